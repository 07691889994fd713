"""The shipped stores, loaded by the binary, against what they hold."""

import tempfile
import unittest

import compare
import servers
import stores
from backstory import Job


class Shop(unittest.TestCase):
    def load(self, store, events, source, env=None):
        with tempfile.TemporaryDirectory() as work:
            job = Job(work, {"layout": "eventsourcing", **source}, env)
            self.assertEqual(job.run()["events"], events)
            self.assertEqual(len(job.tables()), 7)
            compare.check(self, stores.events(store), job)
            self.assertEqual(job.run()["events"], 0)

    def sqlite(self, store):
        return {"driver": "sqlite", "path": str(stores.STORES / store / "shop.sqlite")}

    def test_sqlite(self):
        self.load("shop", 20_000, self.sqlite("shop"))

    def test_zlib(self):
        self.load("shop-zlib", 2_000, {**self.sqlite("shop-zlib"), "state": {"compress": "zlib"}})

    def test_aes(self):
        state = {"cipher": "aes-gcm", "key": "${env:CIPHER_KEY}", "compress": "zlib"}
        self.load("shop-aes", 2_000, {**self.sqlite("shop-aes"), "state": state}, {"CIPHER_KEY": stores.key("shop-aes")})

    def test_postgres(self):
        url = servers.database()
        servers.restore(stores.STORES / "shop" / "shop.postgres.sql.gz", url)
        self.load("shop", 20_000, {"driver": "postgres", "url": "${env:EVENTS_URL}"}, {"EVENTS_URL": url})


if __name__ == "__main__":
    unittest.main()
