"""Masked values, against the HMAC that Python makes of the same texts."""

import hmac
import unittest

import pandas

import library
import readers
import stores
from backstory import Job
from warehouse import Warehouse

KEY = "a key for this test only"


def masked(value):
    """Gives what stands in the place of a value."""
    return None if value is None else hmac.new(KEY.encode(), str(value).encode(), "sha256").hexdigest()[:32]


class Mask(library.Case):
    def job(self, source, out="out", **sections):
        return Job(self.work, source, {"MASK_KEY": KEY}, out=out, mask={"key": "${env:MASK_KEY}"}, **sections)

    def kinds(self, env, source):
        """Each kind of value is masked by its text."""
        app = self.open(env, Warehouse)
        for n in range(40):
            app.ship(n)
        do = {
            "Shipment.Booked": {"reference": "hmac", "sender": "hmac"},
            "Shipment.Packed": {"weight": "hmac", "insured": "hmac", "items": "hmac"},
            "Shipment.Sent": {"price": "hmac", "note": "hmac", "due": {"date": "month"}},
        }
        job = self.job(source, upcasters=[{"event": e, "from": 2 if e == "Shipment.Booked" else 1, "do": [{"mask": fields}]} for e, fields in do.items()])
        job.run()
        events = library.restored(app)
        self.assertEqual(len(events), 120)
        for reader in readers.READERS:
            rows = readers.rows(reader, job.tables())
            for position, e in events.items():
                want = {}
                for name, way in do[e.type].items():
                    stores.flatten(month(e.payload[name]) if way != "hmac" else hidden(e.payload[name]), name, want)
                got = {name: rows[position].get(name) for name in want}
                self.assertEqual(got, want, f"{reader}, position {position}")

    def test_sqlite(self):
        self.kinds(*self.sqlite())

    def test_postgres(self):
        self.kinds(*self.postgres())

    def test_joins(self):
        """What could be joined before can be joined after: the carts of the shop and their customers."""
        source = {"driver": "sqlite", "path": str(stores.STORES / "shop-zlib" / "shop.sqlite"), "state": {"compress": "zlib"}}
        joined = []
        for name, masks in [("plain", []), ("masked", [{"mask": {"customer_id": "hmac"}}])]:
            rules = [
                {"event": "Customer.Registered", "from": 1, "do": []},
                {"event": "Customer.Registered", "from": 2, "do": [{"set": {"customer_id": "stream_id"}}, *masks]},
                {"event": "Cart.Created", "from": 1, "do": masks},
            ]
            job = self.job(source, out=name, upcasters=rules)
            job.run()
            carts, customers = (pandas.read_parquet(job.tables()[table]) for table in ["cart_created", "customer_registered"])
            self.assertEqual(masks != [], not set(customers["customer_id"]) & set(customers["stream_id"]))
            joined.append(carts.merge(customers, on="customer_id")[["position_x", "position_y"]])
        self.assertGreater(len(joined[0]), 100)
        self.assertTrue(joined[0].equals(joined[1]))

    def test_new_fields(self):
        """A field that turns up later is masked, and nothing of it stands anywhere in the folder."""
        env, source = self.sqlite()
        app = self.open(env, Warehouse)
        for n in range(1, 7):  # none of these has a note
            app.ship(n)
        job = self.job(source, defaults={"new_fields": "mask"})
        job.run()
        app.ship(7)
        job.run()
        notes = {position: masked(e.payload["note"]) for position, e in library.restored(app).items() if e.type == "Shipment.Sent"}
        self.assertEqual(len(set(notes.values())), 2)
        for reader in readers.READERS:
            rows = readers.rows(reader, {"sent": job.tables()["shipment_sent"]})
            self.assertEqual({position: row["note"] for position, row in rows.items()}, notes, reader)
        for file in job.out.rglob("*"):
            if file.is_file():
                self.assertNotIn(b"fragile", file.read_bytes(), file)


def month(time):
    return time.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def hidden(value):
    """Masks single values, and those in lists and objects."""
    if isinstance(value, dict):
        return {name: hidden(v) for name, v in value.items()}
    if isinstance(value, list):
        return [hidden(v) for v in value]
    return masked(str(value).lower() if isinstance(value, bool) else value)


if __name__ == "__main__":
    unittest.main()
