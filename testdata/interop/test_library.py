"""Stores that the library eventsourcing writes while Backstory comes and goes."""

import datetime
import os
import pathlib
import subprocess
import sys
import unittest

import compare
import library
import stores
from backstory import Job
from warehouse import PlainWarehouse, Warehouse

WRITER = pathlib.Path(__file__).parent / "write.py"


def plain(app):
    """Gives the events of an application that stores plain JSON, as they are stored."""
    found = {}
    for n in library.notifications(app):
        payload = stores.document(n.state)
        found[n.id] = library.event(n, n.topic, {**payload, "timestamp": datetime.datetime.fromisoformat(payload["timestamp"])})
    return found


class Library(library.Case):
    def increments(self, env, source, application=Warehouse, stored=library.restored):
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
        self.increments({**env, **library.ZLIB}, {**source, "state": {"compress": "zlib"}})

    def test_sqlite_plain(self):
        self.increments(*self.sqlite(), PlainWarehouse, plain)

    def test_postgres(self):
        self.increments(*self.postgres())

    def meanwhile(self, env, source):
        """Loads again and again while another process writes: nothing is lost, nothing doubled."""
        app = self.open(env, Warehouse)
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
        compare.check(self, library.restored(app), job)

    def test_sqlite_meanwhile(self):
        self.meanwhile(*self.sqlite())

    def test_postgres_meanwhile(self):
        self.meanwhile(*self.postgres())


if __name__ == "__main__":
    unittest.main()
