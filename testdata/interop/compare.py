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
    check_envelope(test, event, row, table(event.type))
    extra = json.loads(row["_extra"] or "{}")
    for column in row.keys() - stores.ENVELOPE - {"table", "_extra"} | event.columns.keys():
        want, got = event.columns.get(column), row.get(column)
        if want == [] and got is None:  # a list that never had an element has no column
            got = extra.pop(column, None)
        test.assertTrue(readers.same(want, got), f"position {event.position}, {event.type}: {column} is {got!r} and not {want!r}")
    test.assertEqual(extra, {}, f"position {event.position}, {event.type}: _extra")


def check_payload(test, event, row):
    check_envelope(test, event, row, "events")
    number = lambda digits: ("number", decimal.Decimal(digits))  # noqa: E731
    got = json.loads(row["data"], parse_int=number, parse_float=number)
    want = written(event.payload)
    test.assertEqual(got, want, f"position {event.position}, {event.type}")


def check_envelope(test, event, row, table):
    envelope = {
        "table": table, "sub_index": 0, "stream_id": event.stream, "stream_version": event.version, "event_id": None,
        "event_type": event.type, "schema_version": event.schema_version, "event_time": event.time,
    }  # fmt: skip
    for column, want in envelope.items():
        test.assertEqual(row[column], want, f"position {event.position}, {event.type}: {column}")


def written(value):
    """Gives a value as JSON has it: text for what is none of its kinds, and numbers with the digits they are written with."""
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
