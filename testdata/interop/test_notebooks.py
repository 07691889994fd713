"""The notebooks, executed: their own checks hold, and they write what is kept in them."""

import os
import unittest

import duckdb
import pandas

import notebooks


class Notebooks(unittest.TestCase):
    def test_outputs(self):
        with notebooks.Shop() as shop:
            asked = set()
            for name in notebooks.names():
                with self.subTest(name):
                    kept, book, answers = notebooks.execute(name, shop)
                    asked |= answers.keys()
                    self.assertEqual(notebooks.complaints(book), [])
                    if os.environ.get("UPDATE"):
                        notebooks.keep(name, book)
                        continue
                    self.assertEqual(notebooks.texts(kept), notebooks.texts(book), "run it with UPDATE=1 to keep what it writes now")
                    for text in sum(notebooks.texts(kept), []):
                        self.assertNotIn(str(notebooks.ROOT), text)
                    if "came back" in answers:  # the others are answered by pandas in the notebooks
                        self.assert_same(came_back(shop), answers["came back"])
            self.assertEqual(len(asked), 6, asked)

    def assert_same(self, want, got):
        self.assertEqual(len(want), len(got))
        for w, g in zip(want, got):
            self.assertEqual(w.keys(), g.keys())
            for column in w:
                if isinstance(w[column], float):
                    self.assertAlmostEqual(w[column], g[column], 6, g)
                else:
                    self.assertEqual(w[column], g[column], g)


def came_back(shop):
    """Answers the question of comeback.ipynb with pandas: what is in a cart is kept step by step, as the shop itself would."""
    idle = pandas.Timedelta(days=14)
    tables = {name: pandas.read_parquet(folder) for name, folder in shop.tables().items()}
    carts = pandas.concat([tables[name] for name in ["cart_created", "cart_item_added", "cart_item_removed", "cart_checked_out"]]).sort_values("position")
    homes = pandas.concat([tables["customer_registered"], tables["customer_address_changed"]]).sort_values("event_time")
    customer_of = tables["cart_created"].set_index("stream_id").customer_id
    paid = tables["cart_checked_out"].assign(customer_id=lambda t: t.stream_id.map(customer_of)).sort_values("event_time")
    end, found = carts.event_time.max(), []
    for cart, events in carts.groupby("stream_id"):
        left, inside = None, {}
        for e, following in zip(events.itertuples(), [*events.event_time[1:], end]):
            if e.event_type == "Cart.ItemAdded":
                inside[e.line_sku] = int(e.line_quantity) * e.line_price
            elif e.event_type == "Cart.ItemRemoved":
                inside.pop(e.sku, None)
            if e.event_type != "Cart.CheckedOut" and inside and following - e.event_time >= idle:
                left = e.event_time
                break
        home = homes[(homes.stream_id == customer_of[cart]) & (homes.event_time <= left)].iloc[-1] if left else None
        if home is None or (home.address_region, home.address_country) != ("CA", "US"):
            continue
        later = paid[(paid.customer_id == customer_of[cart]) & (paid.event_time > left)]
        that = later[later.stream_id == cart]
        outcome = "1 bought that cart" if len(that) else "2 bought another cart" if len(later) else "3 never bought"
        bought = that if len(that) else later
        found.append((outcome, sum(inside.values()), (bought.event_time.iloc[0] - left) / pandas.Timedelta(days=1) if len(bought) else None))
    rows = pandas.DataFrame(found, columns=["outcome", "amount", "days"]).groupby("outcome")
    return [
        {"outcome": outcome, "carts": len(r), "amount": float(r.amount.sum()), "avg_days": float(r.days.mean()) if r.days.notna().any() else None}
        for outcome, r in rows
    ]


class Views(unittest.TestCase):
    """The views of backstory schema sql in DuckDB."""

    def test_views(self):
        with notebooks.Shop() as shop, duckdb.connect() as db:
            db.execute("SET TimeZone = 'America/Los_Angeles'")
            db.execute(shop.backstory("schema", "sql"))
            rows = db.execute("SELECT count(*), count(DISTINCT position), min(position), max(position) FROM timeline").fetchall()
            self.assertEqual(rows, [(20_000, 20_000, 1, 20_000)])
            for table, folder in shop.tables().items():
                files = f"read_parquet('{folder}/**/*.parquet')"
                payload = [c[0] for c in db.execute(f"DESCRIBE SELECT * EXCLUDE (position, sub_index, stream_id, stream_version, event_id, event_type, schema_version, event_time) FROM {files}").fetchall()]
                for column in payload:
                    lost = db.execute(f"""SELECT t.payload, f."{column}" FROM timeline t JOIN {files} f USING (position)
                        WHERE CASE WHEN typeof(f."{column}") = 'VARCHAR[]' THEN t.payload->>'{column}' <> CAST(to_json(f."{column}") AS VARCHAR)
                        ELSE t.payload->>'{column}' IS DISTINCT FROM CAST(f."{column}" AS VARCHAR) END LIMIT 3""").fetchall()
                    self.assertEqual(lost, [], f"{table}.{column}")
            streams = "SELECT stream_id FROM timeline WHERE event_type LIKE ? GROUP BY stream_id"
            for view, prefix in [("latest_cart", "Cart.%"), ("latest_customer", "Customer.%")]:
                self.assertEqual(db.execute(f"(SELECT stream_id FROM {view} EXCEPT {streams}) UNION ALL (({streams}) EXCEPT SELECT stream_id FROM {view})", [prefix, prefix]).fetchall(), [])
            self.assertEqual(self.newest(db), [])

    def newest(self, db):
        """Looks for customers whose latest address is not that of the newest event with one."""
        return db.execute("""
            SELECT l.stream_id FROM latest_customer l JOIN (
                SELECT stream_id, last(payload->>'address_postcode' ORDER BY position) AS postcode, max(stream_version) AS stream_version
                FROM timeline WHERE event_type IN ('Customer.Registered', 'Customer.AddressChanged') GROUP BY stream_id
            ) t USING (stream_id) WHERE l.address_postcode IS DISTINCT FROM t.postcode OR l.stream_version < t.stream_version""").fetchall()


if __name__ == "__main__":
    unittest.main()
