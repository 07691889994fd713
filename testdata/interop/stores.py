"""What the shipped stores hold, decoded without Backstory and without the library that wrote them."""

import base64
import dataclasses
import datetime
import decimal
import json
import pathlib
import re
import sqlite3
import uuid
import zlib

from Crypto.Cipher import AES

STORES = pathlib.Path(__file__).parent.parent / "stores"


@dataclasses.dataclass
class Event:
    """An event and its payload, flattened: values by the names of their columns."""

    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    time: datetime.datetime
    columns: dict
    payload: dict


def key(store):
    return (STORES / store / "cipher.key").read_text().strip()


def events(store):
    """Reads a store and gives its events by position."""
    unseal = {"shop": lambda b: b, "shop-zlib": zlib.decompress, "shop-aes": lambda b: zlib.decompress(decrypt(b))}[store]
    secret = base64.b64decode(key(store)) if store == "shop-aes" else None

    def decrypt(sealed):
        return AES.new(secret, AES.MODE_GCM, sealed[:12]).decrypt_and_verify(sealed[28:], sealed[12:28])

    c = sqlite3.connect(f"file:{STORES / store / 'shop.sqlite'}?immutable=1", uri=True)
    found = c.execute("SELECT rowid, originator_id, originator_version, topic, state FROM stored_events").fetchall()
    c.close()
    return {r[0]: event(r[0], uuid.UUID(r[1]), r[2], r[3], document(unseal(r[4]))) for r in found}


def document(state):
    """Decodes JSON with the library's markers; what has a fraction becomes a decimal with the digits it was written with."""
    return json.loads(state, object_hook=unmark, parse_float=decimal.Decimal)


def unmark(o):
    if o.keys() != {"_type_", "_data_"}:
        return o
    decode = {
        "uuid_hex": lambda text: uuid.UUID(text),
        "decimal_str": decimal.Decimal,
        "datetime_iso": datetime.datetime.fromisoformat,
    }
    return decode[o["_type_"]](o["_data_"])


def event(position, stream, version, topic, payload):
    """Makes an event of a decoded payload: version and time stand for themselves, the rest is flattened."""
    payload = dict(payload)
    schema_version = payload.pop("class_version", 1)
    time = payload.pop("timestamp")
    columns = {}
    flatten(payload, "", columns)
    return Event(position, str(stream), version, topic.split(":")[1], schema_version, time, columns, payload)


ENVELOPE = {"position", "sub_index", "stream_id", "stream_version", "event_id", "event_type", "schema_version", "event_time"}


def flatten(value, path, columns):
    """Gives the columns of a value by the names that lead to it."""
    if not isinstance(value, dict):
        columns[column(path)] = leaf(value)
        return
    for name, member in value.items():
        flatten(member, f"{path}.{name}" if path else name, columns)


def column(path):
    """Gives the name of the column that holds what a path leads to. Those of the envelope are taken."""
    return "data_" + plain(path) if path in ENVELOPE else plain(path)


def leaf(value):
    """Gives what a column holds: UUIDs as text, and lists with the objects in them."""
    if isinstance(value, list):
        return [leaf(v) for v in value]
    if isinstance(value, dict):
        return {plain(name): leaf(v) for name, v in value.items()}
    return str(value) if isinstance(value, uuid.UUID) else value


def plain(name):
    """Gives a name as columns and the fields of structs have it."""
    return re.sub("[^A-Za-z0-9_]", "_", name)
