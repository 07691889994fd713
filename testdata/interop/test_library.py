"""Stores that the library eventsourcing writes while Backstory comes and goes."""

import datetime
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import compare
import servers
import stores
from backstory import Job
from warehouse import PlainWarehouse, Warehouse

WRITER = pathlib.Path(__file__).parent / "write.py"
ZLIB = {"COMPRESSOR_TOPIC": "eventsourcing.compressor:ZlibCompressor"}


def stored(app):
    """Reads all events back through the library, and gives them by position."""
    found, start = {}, 1
    while page := app.recorder.select_notifications(start=start, limit=1_000):
        for n in page:
            payload = plain(n) if isinstance(app, PlainWarehouse) else restored(app, n)
            for repeated in ["originator_id", "originator_version"]:
                del payload[repeated]
            found[n.id] = stores.event(n.id, n.originator_id, n.originator_version, n.topic, payload)
        start = page[-1].id + 1
    return found


def restored(app, notification):
    """Gives the payload as the library restores it."""
    e = app.mapper.to_domain_event(notification)
    return {**vars(e), "class_version": getattr(type(e), "class_version", 1)}


def plain(notification):
    payload = stores.document(notification.state)
    return {**payload, "timestamp": datetime.datetime.fromisoformat(payload["timestamp"])}


class Library(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.work = work.name

    def sqlite(self):
        path = os.path.join(self.work, "warehouse.sqlite")
        env = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path}
        return env, {"driver": "sqlite", "path": path, "layout": "eventsourcing"}

    def postgres(self):
        url = servers.database()
        return servers.settings(url), {"driver": "postgres", "url": url, "layout": "eventsourcing"}

    def open(self, env, application=Warehouse):
        app = application(env=env)
        self.addCleanup(app.close)
        return app

    def increments(self, env, source, application=Warehouse):
        """Loads, lets the library append, loads again: exactly what was appended, each time."""
        job = Job(self.work, source)
        app = self.open(env, application)
        n = 0
        for shipments in [40, 1, 7, 1, 25, 3, 3, 3]:
            for _ in range(shipments):
                app.ship(n)
                n += 1
            self.assertEqual(job.run()["events"], 3 * shipments)
            self.assertEqual(job.run()["events"], 0)
        compare.check(self, stored(app), job)

    def test_sqlite(self):
        self.increments(*self.sqlite())

    def test_sqlite_zlib(self):
        env, source = self.sqlite()
        self.increments({**env, **ZLIB}, {**source, "state": {"compress": "zlib"}})

    def test_sqlite_plain(self):
        self.increments(*self.sqlite(), PlainWarehouse)

    def test_postgres(self):
        self.increments(*self.postgres())

    def meanwhile(self, env, source):
        """Loads again and again while another process writes: nothing is lost, nothing doubled."""
        app = self.open(env)
        for n in range(3):  # enough to know the type of every column
            app.ship(n)
        job = Job(self.work, source)
        events = 0
        with subprocess.Popen([sys.executable, WRITER, "600"], env={**os.environ, **env}) as writer:
            while writer.poll() is None:
                events += job.run()["events"]
            self.assertEqual(writer.returncode, 0)
        events += job.run()["events"]
        self.assertEqual(events, 3 * 603)
        compare.check(self, stored(app), job)

    def test_sqlite_meanwhile(self):
        self.meanwhile(*self.sqlite())

    def test_postgres_meanwhile(self):
        self.meanwhile(*self.postgres())


if __name__ == "__main__":
    unittest.main()
