"""Applications of the library eventsourcing, and the events that it reads back."""

import json
import os
import tempfile
import unittest

from eventsourcing.utils import get_topic

import servers
import stores

ZLIB = {"COMPRESSOR_TOPIC": "eventsourcing.compressor:ZlibCompressor"}


class Case(unittest.TestCase):
    """A test with a folder to work in, and stores for the library to write."""

    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.work = work.name

    def sqlite(self):
        """Gives a new SQLite store: the environment that the library reads, and the source that we do."""
        path = os.path.join(self.work, "events.sqlite")
        env = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path}
        return env, {"driver": "sqlite", "path": path, "layout": "eventsourcing"}

    def postgres(self):
        """Does the same on PostgreSQL."""
        url = servers.database()
        return servers.settings(url), {"driver": "postgres", "url": url, "layout": "eventsourcing"}

    def open(self, env, application):
        app = application(env=env)
        self.addCleanup(app.close)
        return app


def restored(app):
    """Reads all events back through the library, upcast by its classes, and gives them by position."""
    found = {}
    for n in notifications(app):
        e = app.mapper.to_domain_event(n)
        payload = {**vars(e), "class_version": json.loads(state(app, n)).get("class_version", 1)}
        found[n.id] = event(n, get_topic(type(e)), payload)
    return found


def notifications(app):
    start = 1
    while page := app.recorder.select_notifications(start=start, limit=1_000):
        yield from page
        start = page[-1].id + 1


def state(app, notification):
    """Gives the JSON that is stored, decrypted and decompressed."""
    m, text = app.mapper, notification.state
    text = m.cipher.decrypt(text) if m.cipher else text
    return m.compressor.decompress(text) if m.compressor else text


def event(n, topic, payload):
    """Makes an event of a payload. The ids are columns of their own."""
    payload = {name: value for name, value in payload.items() if name not in ("originator_id", "originator_version")}
    return stores.event(n.id, n.originator_id, n.originator_version, topic, payload)
