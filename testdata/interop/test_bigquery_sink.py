"""What the binary loads into an emulator, asked for by SQL, against what the store holds: every value of every event."""

import collections
import contextlib
import datetime
import decimal
import os
import random
import unittest
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate

import changes
import compare
import emulator
import library
import shapes
import stores
import test_shop
from backstory import Job
from histories import History


class Sink(library.Case):
    @classmethod
    def setUpClass(cls):
        cls.host = cls.enterClassContext(emulator.server())
        cls.client = cls.enterClassContext(contextlib.closing(emulator.client(cls.host)))

    def job(self, source, env=None, partition="day", **others):
        """Makes a job that loads into a dataset of its own."""
        self.dataset = f"{self._testMethodName}_{os.getpid()}"
        sink = {"driver": "bigquery", "project": emulator.PROJECT, "dataset": self.dataset, "partition": partition}
        return Job(self.work, source, {"BIGQUERY_EMULATOR_HOST": self.host, **(env or {})}, sink=sink, **others)

    def tables(self):
        """Gives the names of the tables that people query, those of another generation and of ours left out."""
        names = [t.table_id for t in self.client.list_tables(self.dataset)]
        return [n for n in names if not n.startswith("_backstory") and "__g" not in n]

    def rows(self, tables):
        """Gives the rows of tables by position."""
        found = {}
        for table in tables:
            fields = {f.name: f for f in self.client.get_table(f"{self.dataset}.{table}").schema}
            for row in self.client.query(f"SELECT * FROM {self.dataset}.{table}").result(timeout=120):
                self.assertNotIn(row["position"], found, f"stands twice, in {table} too")
                found[row["position"]] = {"table": table, **{name: digits(v, fields[name]) for name, v in row.items()}}
        return found

    def check(self, events):
        """Compares all tables with the events that the store holds."""
        self.assertEqual([t for t in self.tables() if "quarantine" in t], [])
        rows = self.rows(t for t in self.tables() if t != "events")
        self.assertEqual(rows.keys(), events.keys())
        for position, event in events.items():
            compare.check_row(self, event, {name: alike(v, event.columns.get(name)) for name, v in rows[position].items()})
        if "events" in self.tables():
            rows = self.rows(["events"])
            self.assertEqual(rows.keys(), events.keys())
            for position, event in events.items():
                compare.check_payload(self, event, rows[position])

    def counts(self, events):
        """Compares the counts that the tables' metadata and a query give with those of the events."""
        want = collections.Counter(compare.table(e.type) for e in events.values())
        self.assertEqual({t: self.client.get_table(f"{self.dataset}.{t}").num_rows for t in self.tables()}, want)
        for table, n in want.items():
            query = f"SELECT count(*) AS n, count(DISTINCT position) AS p FROM {self.dataset}.{table}"
            self.assertEqual([(r["n"], r["p"]) for r in self.client.query(query).result(timeout=60)], [(n, n)])

    def shop(self, **sections):
        return self.job({"driver": "sqlite", "path": str(stores.STORES / "shop" / "shop.sqlite"), "layout": "eventsourcing"}, **sections)

    def test_shop(self):
        """From an empty project: dataset, tables, all events, typed. A second run loads nothing."""
        job, events = self.shop(), stores.events("shop")
        self.assertEqual(job.run()["events"], 20_000)
        self.check(events)
        self.counts(events)
        self.assertEqual(job.run()["events"], 0)
        self.counts(events)
        job.do("check")

    def test_shop_layout(self):
        """Partitions, clustering, types and descriptions are as configured."""
        job = self.shop()
        job.run()
        table = self.client.get_table(f"{self.dataset}.cart_item_added")
        self.assertEqual((table.time_partitioning.type_, table.time_partitioning.field), ("DAY", "event_time"))
        self.assertEqual(table.clustering_fields, ["event_type", "stream_id", "position"])
        columns = {f.name: (f.field_type, f.mode) for f in table.schema}
        want = {
            "position": ("INTEGER", "REQUIRED"), "event_time": ("TIMESTAMP", "NULLABLE"), "qty": ("INTEGER", "NULLABLE"),
            "price": ("NUMERIC", "NULLABLE"), "tags": ("STRING", "REPEATED"), "_extra": ("STRING", "NULLABLE"),
        }  # fmt: skip
        self.assertEqual({name: columns[name] for name in want}, want)
        self.assertTrue(all(f.description for f in table.schema))

    def test_windows(self):
        """Many windows, by two workers, into tables by month: each row is there once."""
        job, events = self.shop(partition="month", load={"window": 1500, "workers": 2}), stores.events("shop")
        self.assertEqual(job.run()["events"], 20_000)
        self.check(events)
        self.counts(events)

    def test_again(self):
        """Windows that are loaded again take the place of themselves, in one transaction over all tables."""
        job, events = self.shop(load={"window": 5000}), stores.events("shop")
        job.run()
        job.do("backfill", "shop", "--from", "4000", "--to", "6000", "--again")
        self.check(events)
        self.counts(events)
        job.do("check")

    def test_upcast_and_rebuild(self):
        """A rebuild under rules: tables of the new shape in the place of the old, in one more table all events as JSON."""
        stored = stores.events("shop")
        job = self.shop()
        self.assertEqual(job.run()["events"], 20_000)
        self.check(stored)
        job.text = test_shop.upcasters()
        job.configure(tables={"layout": "both"})
        job.do("rebuild", "shop")
        self.check(test_shop.expected("shop", stored))
        self.assertEqual(job.run()["events"], 0)
        job.do("check")

    def test_every_type(self):
        """Values of every kind, at their edges, as columns, in objects, in lists, and in lists of objects."""
        env, source = self.sqlite()
        app = self.open(env, Samples)
        r = random.Random(5)
        for values in [FIELDS.value(r), FIELDS.value(r), *EDGES, *(FIELDS.value(r) for _ in range(200))]:
            app.save(Sample._create(Sample.Taken, **{**dict.fromkeys(FIELDS.members), **values}))
        job = self.job(source, partition="none")
        self.assertEqual(job.run()["events"], len(EDGES) + 202)
        self.check(library.restored(app))
        fields = self.client.get_table(f"{self.dataset}.sample_taken").schema
        self.assertEqual({f.field_type for f in fields}, {"INTEGER", "FLOAT", "NUMERIC", "BIGNUMERIC", "BOOLEAN", "STRING", "TIMESTAMP", "DATETIME", "RECORD"})
        self.assertEqual({f.mode for f in fields}, {"REQUIRED", "NULLABLE", "REPEATED"})

    def changing(self, seed):
        """A history that changes its shape, loaded as it grows: new columns, and a rebuild under new rules each time."""
        env, source = self.sqlite()
        h, app = History(seed), self.open(env, Samples)
        job = self.job(source, {"MASK_KEY": changes.KEY}, mask={"key": "${env:MASK_KEY}"}, tables={"layout": "both"})
        for era in range(h.eras):
            h.write(app, era, 30)
            if era:
                job.run()
            job.configure(upcasters=h.rules(era))
            job.do("rebuild", "shop")
            self.check(library.restored(app))


class Samples(Application):
    """The application whose events have fields of every kind."""


def fields():
    members = {kind.replace(" ", "_"): shapes.Leaf(kind) for kind in shapes.KINDS}
    members |= {"maybe_" + name: shapes.Leaf(leaf.kind, nullable=True) for name, leaf in list(members.items())}
    inner = {"whole": shapes.Leaf("large"), "amount": shapes.Leaf("decimal"), "name": shapes.Leaf("text"), "moment": shapes.Leaf("time")}
    members["object"] = shapes.Object({**inner, "deep": shapes.Object(inner)})
    members |= {f"list_of_{kind}": shapes.List(shapes.Leaf(kind)) for kind in ["large", "float", "decimal", "boolean", "text", "uuid", "time", "naive"]}
    members["objects"] = shapes.List(shapes.Object({**inner, "tags": shapes.List(shapes.Leaf("text")), "flag": shapes.Leaf("boolean", nullable=True)}))
    return shapes.Object(members)


FIELDS = fields()
UTC = datetime.timezone.utc
# Values at the edges of their types; what is left out is null.
EDGES = [
    {},
    {"large": 2**63 - 1, "integer": -(2**63), "float": 5e-324, "decimal": decimal.Decimal("-0.01"), "text": "", "list_of_text": [""]},
    {"large": -(2**63), "integer": 2**63 - 1, "float": 1.7976931348623157e308, "decimal": decimal.Decimal("9999999999999999.99")},
    {"large": 2**53 + 1, "float": -0.0, "text": "\u0000\u007f\u0080\uffff\U0010ffff", "list_of_large": [2**63 - 1, -(2**63), 0]},
    {"time": datetime.datetime(1, 1, 1, tzinfo=UTC), "naive": datetime.datetime(1, 1, 1), "float": 0.1 + 0.2},
    {"time": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), "naive": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)},
    {"time": datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), "objects": [{"whole": None, "amount": None, "name": None, "moment": None, "tags": [], "flag": None}]},
]


class Sample(Aggregate):
    class Taken(Aggregate.Created):
        __annotations__ = dict.fromkeys(FIELDS.members, Any)

    def __init__(self):
        pass


def digits(value, field):
    """Gives a value with its decimals as such, which an emulator without BIGNUMERIC has as text."""
    if isinstance(value, list):
        return [digits(v, field) for v in value]
    if isinstance(value, dict):
        fields = {f.name: f for f in field.fields}
        return {name: digits(v, fields[name]) for name, v in value.items()}
    return decimal.Decimal(value) if field.field_type == "BIGNUMERIC" and isinstance(value, str) else value


def alike(got, want):
    """Gives a value with null for an empty list where null was stored: to BigQuery they are the same."""
    if got == [] and want is None:
        return None
    if isinstance(got, dict):
        return {name: alike(v, want.get(name) if isinstance(want, dict) else None) for name, v in got.items()}
    if isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
        return [alike(g, w) for g, w in zip(got, want)]
    return got


def add(seed):
    setattr(Sink, f"test_changing_{seed}", lambda self: self.changing(seed))


for seed in range(3):
    add(seed)


if __name__ == "__main__":
    unittest.main()
