"""The notebooks, executed: their own checks hold, and they write what is kept in them."""

import os
import unittest

import duckdb

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
            self.assertEqual(len(asked), 6, asked)


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
