"""The comparison that all tests make: every value of every event, by every reader."""

import datetime
import decimal
import json
import re
import uuid

import readers
import stores


def check(test, events, job):
    """Compares the tables of a job with the events that the store holds, by their positions.

    Where there is a table of all events, the payloads in it are compared as well.
    """
    for name, schemas in job.schemas().items():
        test.assertTrue(all(s.equals(schemas[0]) for s in schemas), f"the files of {name} differ in their schemas")
    for reader in readers.READERS:
        with test.subTest(reader=reader):
            rows = readers.rows(reader, job.tables())
            test.assertEqual(rows.keys(), events.keys())
            for position, event in events.items():
                check_row(test, event, rows[position])
            if (job.out / "events").exists():
                rows = readers.rows(reader, {"events": job.out / "events"})
                test.assertEqual(rows.keys(), events.keys())
                for position, event in events.items():
                    check_payload(test, event, rows[position])


def check_row(test, event, row):
    where = f"position {event.position}, {event.type}"
    check_envelope(test, event, row, table(event.type))
    extra = {stores.column(path): value for path, value in decoded(row["_extra"] or "{}").items()}
    for column in row.keys() - stores.ENVELOPE - {"table", "_extra"} | event.columns.keys():
        want, got = event.columns.get(column), row.get(column)
        if column in extra:
            test.assertTrue(empty(want), f"{where}: {column} is in _extra: {want!r}")
            test.assertEqual(stores.leaf(extra.pop(column)), written(want), f"{where}: {column} in _extra")
        else:
            test.assertTrue(readers.same(want, got), f"{where}: {column} is {got!r} and not {want!r}")
    test.assertEqual(extra, {}, f"{where}: _extra")


def empty(value):
    """Tells whether there is a list without elements in a value: until it has one somewhere, it has no column."""
    if isinstance(value, list):
        return not value or any(map(empty, value))
    return isinstance(value, dict) and any(map(empty, value.values()))


def check_payload(test, event, row):
    check_envelope(test, event, row, "events")
    test.assertEqual(decoded(row["data"]), written(event.payload), f"position {event.position}, {event.type}")


def decoded(text):
    """Decodes JSON with the digits of its numbers."""
    number = lambda digits: ("number", decimal.Decimal(digits))  # noqa: E731
    return json.loads(text, parse_int=number, parse_float=number)


def check_envelope(test, event, row, table):
    envelope = {
        "table": table, "sub_index": 0, "stream_id": event.stream, "stream_version": event.version, "event_id": None,
        "event_type": event.type, "schema_version": event.schema_version, "event_time": event.time,
    }  # fmt: skip
    for column, want in envelope.items():
        test.assertEqual(row[column], want, f"position {event.position}, {event.type}: {column}")


def written(value):
    """Gives a value as decoded gives what JSON has of it."""
    if isinstance(value, dict):
        return {name: written(v) for name, v in value.items()}
    if isinstance(value, list):
        return [written(v) for v in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number", decimal.Decimal(repr(value))
    return value


def table(event_type):
    """Cart.ItemAdded lies in cart_item_added."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", event_type.replace(".", "_")).lower().replace("__", "_")
