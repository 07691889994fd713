"""The comparison that all tests make: every value of every event, by every reader."""

import re

import readers

ENVELOPE = {
    "table", "position", "sub_index", "stream_id", "stream_version", "event_id", "event_type", "schema_version", "event_time", "_extra",
}  # fmt: skip


def check(test, events, job):
    """Compares the tables of a job with the events that the store holds, by their positions."""
    for name, schemas in job.schemas().items():
        test.assertTrue(all(s.equals(schemas[0]) for s in schemas), f"the files of {name} differ in their schemas")
    for reader in readers.READERS:
        with test.subTest(reader=reader):
            rows = readers.rows(reader, job.tables())
            test.assertEqual(rows.keys(), events.keys())
            for position, event in events.items():
                check_row(test, event, rows[position])


def check_row(test, event, row):
    where = f"position {event.position}, {event.type}"
    envelope = {
        "table": table(event.type), "sub_index": 0, "stream_id": event.stream, "stream_version": event.version, "event_id": None,
        "event_type": event.type, "schema_version": event.schema_version, "event_time": event.time, "_extra": None,
    }  # fmt: skip
    for column, want in envelope.items():
        test.assertEqual(row[column], want, f"{where}: {column}")
    for column in row.keys() - ENVELOPE | event.columns.keys():
        want, got = event.columns.get(column), row.get(column)
        test.assertTrue(readers.same(want, got), f"{where}: {column} is {got!r} and not {want!r}")


def table(event_type):
    """Cart.ItemAdded lies in cart_item_added."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", event_type.replace(".", "_")).lower().replace("__", "_")
