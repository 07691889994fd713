"""The shipped stores, loaded by the binary, against what they hold and what the library reads back."""

import datetime
import gzip
import json
import pathlib
import tempfile
import unittest

import pyarrow

import compare
import servers
import stores
from backstory import Job

DEMO = pathlib.Path(__file__).parent.parent / "demo" / "repaired.yaml"


class Shop(unittest.TestCase):
    def load(self, store, source, env=None):
        stored = stores.events(store)
        with tempfile.TemporaryDirectory() as work:
            job = Job(work, {"layout": "eventsourcing", **source}, env)
            self.as_it_is(job, stored)
        with tempfile.TemporaryDirectory() as work:
            job = Job(work, {"layout": "eventsourcing", **source}, env, text=upcasters(), tables={"layout": "both"})
            self.upcast(job, expected(store, stored))

    def as_it_is(self, job, events):
        self.assertEqual(job.run()["events"], len(events))
        self.assertEqual(len(job.tables()), 7)
        compare.check(self, events, job)
        self.assertEqual(job.run()["events"], 0)

    def upcast(self, job, events):
        self.assertEqual(job.run()["events"], len(events))
        compare.check(self, events, job)
        schemas = job.schemas()
        for table, column in [("cart_item_added", "line_price"), ("cart_checked_out", "total")]:
            self.assertTrue(pyarrow.types.is_decimal(schemas[table][0].field(column).type))

    def sqlite(self, store):
        return {"driver": "sqlite", "path": str(stores.STORES / store / "shop.sqlite")}

    def test_sqlite(self):
        self.load("shop", self.sqlite("shop"))

    def test_zlib(self):
        self.load("shop-zlib", {**self.sqlite("shop-zlib"), "state": {"compress": "zlib"}})

    def test_aes(self):
        state = {"cipher": "aes-gcm", "key": "${env:CIPHER_KEY}", "compress": "zlib"}
        self.load("shop-aes", {**self.sqlite("shop-aes"), "state": state}, {"CIPHER_KEY": stores.key("shop-aes")})

    def test_postgres(self):
        url = servers.database()
        servers.restore(stores.STORES / "shop" / "shop.postgres.sql.gz", url)
        self.load("shop", {"driver": "postgres", "url": "${env:EVENTS_URL}"}, {"EVENTS_URL": url})


def upcasters():
    """Gives that section of the demo, as it stands there."""
    text = DEMO.read_text()
    return text[text.index("upcasters:") : text.index("jobs:")]


def expected(store, stored):
    """Gives the events of a store as the library has read them back. Their versions are those that are stored."""
    found = {}
    with gzip.open(stores.STORES / store / "shop.expected.ndjson.gz", "rt") as lines:
        for e in map(json.loads, lines):
            time = datetime.datetime.fromisoformat(e["data"]["timestamp"])
            payload = {**e["data"], "timestamp": time, "class_version": stored[e["position"]].schema_version}
            found[e["position"]] = stores.event(e["position"], e["stream"], e["version"], e["topic"], payload)
    return found


if __name__ == "__main__":
    unittest.main()
