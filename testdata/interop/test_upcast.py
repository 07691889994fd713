"""Events upcast by rules in YAML, against what the library eventsourcing upcasts by classes in Python."""

import gzip
import json
import os
import pathlib
import random
import tempfile
import unittest
from datetime import datetime

import pyarrow
from eventsourcing.application import Application
from eventsourcing.cipher import AESCipher
from eventsourcing.utils import get_topic

import changes
import compare
import servers
import stores
from backstory import Job
from histories import History

DEMO = pathlib.Path(__file__).parent.parent / "demo" / "repaired.yaml"


class Shop(unittest.TestCase):
    """The shipped stores, by the upcasters of the demo."""

    def load(self, store, source, env=None):
        text = DEMO.read_text()
        rules = text[text.index("upcasters:") : text.index("jobs:")]
        with tempfile.TemporaryDirectory() as work:
            job = Job(work, {"layout": "eventsourcing", **source}, env, text=rules, tables={"layout": "both"})
            events = expected(store)
            self.assertEqual(job.run()["events"], len(events))
            compare.check(self, events, job)
            for table, column in [("cart_item_added", "line_price"), ("cart_checked_out", "total")]:
                self.assertTrue(pyarrow.types.is_decimal(job.schemas()[table][0].field(column).type))

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


def expected(store):
    """Gives the events of a store as the library has read them back; what it stored tells their versions."""
    stored = stores.events(store)
    found = {}
    with gzip.open(stores.STORES / store / "shop.expected.ndjson.gz", "rt") as lines:
        for e in map(json.loads, lines):
            payload = {**e["data"], "timestamp": datetime.fromisoformat(e["data"]["timestamp"]), "class_version": stored[e["position"]].schema_version}
            found[e["position"]] = stores.event(e["position"], e["stream"], e["version"], e["topic"], payload)
    return found


class Past(Application):
    """The application whose event classes changed."""


def restored(app):
    """Reads all events back through the library, upcast, and gives them by position."""
    found, start = {}, 1
    while page := app.recorder.select_notifications(start=start, limit=1_000):
        for n in page:
            e = app.mapper.to_domain_event(n)
            payload = {**vars(e), "class_version": stored_version(app.mapper, n.state)}
            for repeated in ["originator_id", "originator_version"]:
                del payload[repeated]
            found[n.id] = stores.event(n.id, n.originator_id, n.originator_version, get_topic(type(e)), payload)
        start = page[-1].id + 1
    return found


def stored_version(mapper, state):
    state = mapper.cipher.decrypt(state) if mapper.cipher else state
    state = mapper.compressor.decompress(state) if mapper.compressor else state
    return json.loads(state).get("class_version", 1)


class Library(unittest.TestCase):
    """Fresh stores of random histories, by rules that mean what their upcasters do."""

    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.work = work.name

    def sqlite(self, seed):
        path = os.path.join(self.work, "past.sqlite")
        env = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path}
        return env, {"driver": "sqlite", "path": path}

    def postgres(self, seed):
        url = servers.database()
        return servers.settings(url), {"driver": "postgres", "url": url}

    def history(self, seed, env, source, job_class=Job):
        """Draws a history, and opens the application that writes it and the job that loads it."""
        h = History(seed)
        if h.r.random() < 0.3:
            env["COMPRESSOR_TOPIC"] = "eventsourcing.compressor:ZlibCompressor"
            source["state"] = {"compress": "zlib"}
        if h.r.random() < 0.3:
            env.update(CIPHER_TOPIC="eventsourcing.cipher:AESCipher", CIPHER_KEY=AESCipher.create_key(32))
            source["state"] = {**source.get("state", {}), "cipher": "aes-gcm", "key": "${env:CIPHER_KEY}"}
        app = Past(env=env)
        self.addCleanup(app.close)
        secrets = {"CIPHER_KEY": env.get("CIPHER_KEY", ""), "MASK_KEY": changes.KEY}
        return h, app, Job(self.work, source, secrets, mask={"key": "${env:MASK_KEY}"}, tables={"layout": "both"})

    def afterwards(self, seed, env, source):
        """The rules of today, and a history that is loaded as it grows: at every run, all is as today's classes have it."""
        h, app, job = self.history(seed, env, source)
        job.configure(upcasters=h.rules(h.eras))
        for era in range(h.eras):
            h.write(app, era, h.r.choice([1, 10, 40, 120]))
            if era % 2 or era == h.eras - 1:
                job.run()
        h.enter(h.eras)
        compare.check(self, restored(app), job)

    def meanwhile(self, seed, env, source):
        """The rules of each era in it: what is newer than they are passes through until they have changed and all is rebuilt."""
        h, app, job = self.history(seed, env, source)
        for era in range(h.eras):
            h.write(app, era, h.r.choice([1, 10, 40, 120]))
            if era:
                job.run()
            job.configure(upcasters=h.rules(era))
            job.do("rebuild", "shop")
            compare.check(self, restored(app), job)


def seeds():
    """Gives the seeds that the environment names, or else random ones; the names of tests say which."""
    if given := os.environ.get("INTEROP_SEED"):
        return [int(seed) for seed in given.split()]
    return random.sample(range(10**6), k=6)


def add_tests():
    for i, seed in enumerate(seeds()):
        for way, store in [("afterwards", ["sqlite", "postgres"]), ("meanwhile", ["sqlite", "postgres"][i % 2 :][:1])]:
            for backend in store:

                def test(self, way=way, seed=seed, backend=backend):
                    getattr(self, way)(seed, *getattr(self, backend)(seed))

                setattr(Library, f"test_{way}_{backend}_seed_{seed}", test)


add_tests()

if __name__ == "__main__":
    unittest.main()
