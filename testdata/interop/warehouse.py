"""An application of the library eventsourcing, as its users write them."""

import datetime
import decimal
import json
import uuid

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.utils import get_topic


class Shipment(Aggregate):
    class Booked(Aggregate.Created):
        reference: uuid.UUID
        sender: dict
        class_version = 2

        @staticmethod
        def upcast_v1_v2(state):
            state["sender"] = {}

    def __init__(self, reference, sender):
        self.reference = reference

    @event("Packed")
    def pack(self, items, weight, insured):
        pass

    @event("Sent")
    def send(self, due, price, note):
        pass


class Warehouse(Application):
    def ship(self, n):
        """Saves the three events of a shipment."""
        s = Shipment._create(
            Shipment.Booked,
            reference=uuid.uuid5(uuid.NAMESPACE_URL, str(n)),
            sender={"name": f"Åse {n}", "address": {"street": "Lange Gasse", "number": n}},
        )
        s.pack(items=[{"sku": f"SKU-{i}", "quantity": i + 1} for i in range(n % 3)], weight=n / 8 + 0.5, insured=n % 2 == 0)
        s.send(
            due=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(hours=n, microseconds=n),
            price=decimal.Decimal(n) / 4 if n % 5 else None,
            note=None if n % 7 else "fragile ✓",
        )
        self.save(s)


class PlainMapper(Mapper):
    """Writes plain JSON, as mappers over pydantic and orjson do: no markers, no class version, and the ids once more."""

    def to_stored_event(self, e):
        state = json.dumps(vars(e), default=lambda v: v.isoformat() if isinstance(v, datetime.datetime) else str(v))
        return StoredEvent(e.originator_id, e.originator_version, get_topic(type(e)), state.encode())


class PlainWarehouse(Warehouse):
    def construct_mapper(self):
        return self.factory.mapper(self.construct_transcoder(), PlainMapper)
