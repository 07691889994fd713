"""Each statement of docs/bigquery-queries.md against an emulator, with answers as the notebooks have them."""

import datetime
import decimal
import math
import re
import unittest

import duckdb
import pyarrow
import pyarrow.parquet
from google.cloud import bigquery

import emulator
import notebooks

PAGE = notebooks.ROOT / "docs" / "bigquery-queries.md"
BLOCK = re.compile(r"^```sql ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A table that is read, and what it is called there.
TABLE = re.compile(r"\bshop\.(\w+)(?: AS (\w+))?")


class Queries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = cls.enterClassContext(notebooks.Shop())
        cls.client = cls.enterClassContext(emulator.bigquery())
        cls.client.create_dataset("shop")
        for name, folder in cls.shop.tables().items():
            load(cls.client, name, folder)
        for statement in cls.shop.backstory("schema", "sql", "--dialect", "bigquery", "--dataset", "shop", "--json-columns").split(";\n"):
            if statement.strip():
                cls.client.query(statement).result(timeout=60)

    def test_answers(self):
        answers = {}
        for name in notebooks.names():
            answers |= notebooks.execute(name, self.shop)[2]
        statements = dict(BLOCK.findall(PAGE.read_text()))
        self.assertEqual(statements.keys(), answers.keys())
        for question, statement in statements.items():
            with self.subTest(question):
                rows = [dict(row) for row in self.client.query(statement).result(timeout=60)]
                self.same(answers[question], rows)

    def test_json_views(self):
        """Each table has a view with as many rows, in which columns of JSON text are JSON."""
        for name in self.shop.tables():
            with self.subTest(name):
                rows = lambda table: list(self.client.query(f"SELECT COUNT(*) FROM shop.{table}").result(timeout=60))[0][0]
                self.assertEqual(rows(name), rows(name + "_json"))
                view = self.client.query(f"SELECT _extra FROM shop.{name}_json LIMIT 1").result(timeout=60)
                self.assertEqual("JSON", view.schema[0].field_type)

    def same(self, want, got):
        self.assertEqual(len(want), len(got))
        for w, g in zip(want, got):
            self.assertEqual(list(w), list(g))
            for column in w:
                a, b = w[column], g[column]
                b = float(b) if isinstance(b, decimal.Decimal) else b
                if isinstance(a, (int, float)) and isinstance(b, (int, float)):
                    self.assertTrue(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6), f"{column}: want {a}, got {b} in {g}")
                else:
                    self.assertEqual(a, b, f"{column} in {g}")

    def test_filters(self):
        """Every table that a statement reads has a filter on event_time in the same SELECT."""
        checked = 0
        for question, statement in BLOCK.findall(PAGE.read_text()):
            selects = re.split(r"\bSELECT\b", statement)
            for select in selects:
                for table, alias in TABLE.findall(select):
                    checked += 1
                    column = f"{alias}.event_time" if alias else "event_time"
                    with self.subTest(question, table=table):
                        for sign in (">=", "<"):  # constants, so that partitions are pruned
                            self.assertRegex(select, rf"(?<![\w.]){re.escape(column)} {sign} TIMESTAMP '\d{{4}}-\d\d-\d\d'")
        self.assertGreater(checked, 25)

    def test_views(self):
        """The views of both dialects have the same rows."""
        with duckdb.connect() as db:
            db.execute("SET TimeZone = 'UTC'")
            db.execute(self.shop.backstory("schema", "sql"))
            for query in [
                "SELECT position, stream_id, stream_version, event_type, event_time FROM {}timeline ORDER BY position",
                "SELECT * FROM {}latest_cart ORDER BY stream_id",
                "SELECT * FROM {}latest_customer ORDER BY stream_id",
            ]:
                result = db.execute(query.format(""))
                columns = [c[0] for c in result.description]
                want = [[plain(v) for v in row] for row in result.fetchall()]
                rows = self.client.query(query.format("shop.")).result(timeout=60)
                self.assertEqual([field.name for field in rows.schema], columns)
                for a, b in zip(want, rows, strict=True):
                    self.assertEqual(a, [plain(v) for v in b.values()], query)


def plain(value):
    """Gives a value as both have it: BigQuery has no null lists, and instants may have another zone."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc)
    return None if value == [] else value


def load(client, name, folder):
    """Loads a table as the job would: made first, partitioned by day, then filled from its files."""
    files = sorted(folder.rglob("*.parquet"))
    table = bigquery.Table(f"{emulator.PROJECT}.shop.{name}", [column(f) for f in pyarrow.parquet.read_schema(files[0])])
    table.time_partitioning = bigquery.TimePartitioning(field="event_time")
    client.create_table(table)
    options = bigquery.ParquetOptions()
    options.enable_list_inference = True
    config = bigquery.LoadJobConfig(source_format="PARQUET", create_disposition="CREATE_NEVER", write_disposition="WRITE_APPEND", parquet_options=options)
    for file in files:
        with file.open("rb") as f:
            job = client.load_table_from_file(f, table.reference, job_config=config)
            job.result(timeout=60)
        if job.output_rows != pyarrow.parquet.read_metadata(file).num_rows:
            raise AssertionError(f"{name}: {job.output_rows} rows of {file.name} were loaded")


def column(field):
    repeated = pyarrow.types.is_list(field.type)
    kind = field.type.value_type if repeated else field.type
    if pyarrow.types.is_decimal(kind):
        name = "NUMERIC"
    elif pyarrow.types.is_timestamp(kind):
        name = "TIMESTAMP"
    else:
        name = {"int64": "INTEGER", "double": "FLOAT", "bool": "BOOLEAN", "string": "STRING"}[str(kind)]
    return bigquery.SchemaField(field.name, name, "REPEATED" if repeated else "NULLABLE" if field.nullable else "REQUIRED")


if __name__ == "__main__":
    unittest.main()
