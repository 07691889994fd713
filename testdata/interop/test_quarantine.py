"""Events that the rules do not fit, as people find them in the table _quarantine."""

import base64
import unittest

from eventsourcing.persistence import StoredEvent

import compare
import library
import readers
from backstory import Job
from warehouse import Warehouse

BROKEN = b"\xff\xfe no JSON at all"


class Quarantine(library.Case):
    def ship(self, env, count=30):
        app = self.open(env, Warehouse)
        for n in range(count):
            app.ship(n)
        return app

    def quarantined(self, job):
        """Reads the table with each reader, and expects the same rows of all of them."""
        found = [readers.rows(reader, {"_quarantine": job.out / "_quarantine"}) for reader in ["pandas", "duckdb", "polars", "pyarrow"]]
        for other in found[1:]:
            self.assertEqual(found[0], other)
        return found[0]

    def rules(self, **notes):
        return [{"event": "Shipment.Sent", "from": 1, "do": [{"map": {"note": notes}}]}]

    def upcast(self, env, source):
        app = self.ship(env)
        job = Job(self.work, source, upcasters=self.rules(careful="handle with care"))
        events = library.restored(app)
        raw = {n.id: library.state(app, n).decode() for n in library.notifications(app)}
        failing = {position: e for position, e in events.items() if e.payload.get("note")}
        self.assertEqual(len(failing), 5)
        job.run(code=5)
        compare.check(self, {position: e for position, e in events.items() if position not in failing}, job)
        rows = self.quarantined(job)
        self.assertEqual(rows.keys(), failing.keys())
        for position, e in failing.items():
            row = rows[position]
            want = {
                "stream_id": e.stream, "stream_version": e.version, "event_id": None, "event_type": "Shipment.Sent", "schema_version": 1,
                "event_time": e.time, "step": "upcast Shipment.Sent from 1, operation 1 (map)", "path": "note", "data": raw[position], "meta": None,
            }  # fmt: skip
            self.assertEqual({name: row[name] for name in want}, want)
            self.assertIn("fragile ✓", row["reason"])
            self.assertTrue(row["hint"])

        # The rules are mended, and those events are where they belong.
        job.configure(upcasters=self.rules(careful="handle with care", **{"fragile ✓": "fragile"}))
        job.do("replay")
        for e in failing.values():
            e.columns["note"] = e.payload["note"] = "fragile"
        compare.check(self, events, job)
        self.assertEqual(list((job.out / "_quarantine").glob("**/*.parquet")), [])

    def test_sqlite(self):
        self.upcast(*self.sqlite())

    def test_sqlite_zlib(self):
        env, source = self.sqlite()
        self.upcast({**env, **library.ZLIB}, {**source, "state": {"compress": "zlib"}})

    def test_postgres(self):
        self.upcast(*self.postgres())

    def test_broken(self):
        """An event that cannot even be decompressed is kept by its bytes."""
        env, source = self.sqlite()
        app = self.ship({**env, **library.ZLIB})
        events = library.restored(app)
        last = app.recorder.select_notifications(start=len(events), limit=1)[0]
        app.recorder.insert_events([StoredEvent(last.originator_id, last.originator_version + 1, last.topic, BROKEN)])
        job = Job(self.work, {**source, "state": {"compress": "zlib"}})
        job.run(code=5)
        compare.check(self, events, job)
        [row] = self.quarantined(job).values()
        self.assertEqual(row["position"], len(events) + 1)
        self.assertEqual(row["data"], "base64:" + base64.b64encode(BROKEN).decode())


if __name__ == "__main__":
    unittest.main()
