"""What the emulator cannot show, each tried: docs/bigquery.md lists it. A test that fails here says that it can by now."""

import contextlib
import datetime
import decimal
import io
import json
import os
import unittest
import unittest.mock
import urllib.error
import urllib.request

import pyarrow
import pyarrow.parquet
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.cloud import bigquery

import emulator

COLUMN = bigquery.SchemaField


class Emulator(unittest.TestCase):
    """An emulator with a dataset in the EU."""

    options = []

    @classmethod
    def setUpClass(cls):
        with unittest.mock.patch.dict(os.environ):
            os.environ.pop("BIGQUERY_EMULATOR_HOST", None)  # what is tried is bqemulator
            cls.host = cls.enterClassContext(emulator.server(*cls.options))
        cls.client = cls.enterClassContext(contextlib.closing(emulator.client(cls.host)))
        dataset = bigquery.Dataset(f"{emulator.PROJECT}.d")
        dataset.location = "EU"
        cls.client.create_dataset(dataset)

    def setUp(self):
        self.table = f"d.{self._testMethodName}"

    def create(self, *columns, **properties):
        table = bigquery.Table(f"{emulator.PROJECT}.{self.table}", columns)
        for name, value in properties.items():
            setattr(table, name, value)
        return self.client.create_table(table)

    def load(self, type, *values, to="", job=None, schema=()):
        """Loads one column, a, into the test's table."""
        file = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table({"a": pyarrow.array(values, type)}), file)
        file.seek(0)
        options = bigquery.ParquetOptions()
        options.enable_list_inference = True
        config = bigquery.LoadJobConfig(source_format="PARQUET", create_disposition="CREATE_NEVER", write_disposition="WRITE_APPEND", parquet_options=options, schema=schema)
        loaded = self.client.load_table_from_file(file, self.table + to, job_config=config, job_id=job)
        loaded.result(timeout=30)
        return loaded

    def rows(self):
        return [dict(row) for row in self.client.query(f"SELECT * FROM {self.table}").result(timeout=30)]

    def request(self, method, path, body=None, **headers):
        """Gives the status and the answer to a request, to which a client would add its own notions."""
        r = urllib.request.Request(f"http://{self.host}{path}", method=method, data=body if isinstance(body, bytes) else json.dumps(body).encode())
        for name, value in {"Content-Type": "application/json", **headers}.items():
            r.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(r, timeout=30) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as e:
            return e.code, e.headers

    def insert(self, column):
        body = {"tableReference": {"tableId": self._testMethodName}, "schema": {"fields": [column]}}
        return self.request("POST", f"/bigquery/v2/projects/{emulator.PROJECT}/datasets/d/tables", body)[0]

    def patch(self, body, **headers):
        return self.request("PATCH", f"/bigquery/v2/projects/{emulator.PROJECT}/datasets/d/tables/{self._testMethodName}", body, **headers)[0]


class Gaps(Emulator):
    def test_job_ids(self):
        """A load's ID is not taken: a second one of the same ID loads again, and nobody finds it by its ID."""
        self.create(COLUMN("a", "INTEGER"))
        first, second = (self.load(pyarrow.int64(), 1, job="same") for _ in range(2))
        self.assertNotIn("same", [first.job_id, second.job_id])
        self.assertEqual(len(self.rows()), 2)
        with self.assertRaises(NotFound):
            self.client.get_job("same")

    def test_copies_twice(self):
        """A copy's ID is taken, and runs as often as it is sent."""
        self.create(COLUMN("a", "INTEGER"))
        self.load(pyarrow.int64(), 1)
        ref = {"projectId": emulator.PROJECT, "datasetId": "d"}
        copy = {"sourceTable": {**ref, "tableId": self._testMethodName}, "destinationTable": {**ref, "tableId": "copied"}, "writeDisposition": "WRITE_APPEND"}
        for _ in range(2):
            status, _ = self.request("POST", f"/bigquery/v2/projects/{emulator.PROJECT}/jobs", {"jobReference": {"jobId": "copy"}, "configuration": {"copy": copy}})
            self.assertEqual(status, 200)
        self.assertEqual(self.client.get_table("d.copied").num_rows, 2)

    def test_locations(self):
        """All jobs are in the US, and found in any location."""
        self.create(COLUMN("a", "INTEGER"))
        job = self.load(pyarrow.int64(), 1)
        self.assertEqual(job.location, "US")
        self.assertEqual(self.client.get_job(job.job_id, location="asia-east1").job_id, job.job_id)

    def test_states(self):
        """A job is done before it is answered for."""
        self.create(COLUMN("a", "INTEGER"))
        self.assertEqual(self.load(pyarrow.int64(), 1).state, "DONE")

    def test_etags(self):
        """A change against an ETag that never was is made."""
        self.create(COLUMN("a", "INTEGER"))
        self.assertEqual(self.patch({"description": "changed"}, If_Match="another"), 200)

    def test_quotas(self):
        """A table may be changed more than five times in ten seconds."""
        self.create(COLUMN("a", "INTEGER"))
        self.assertEqual({self.patch({"description": str(n)}) for n in range(8)}, {200})

    def test_chunks(self):
        """Parts of an upload by POST, as the Go client sends them, are not taken."""
        self.create(COLUMN("a", "INTEGER"))
        to = {"projectId": emulator.PROJECT, "datasetId": "d", "tableId": self._testMethodName}
        begin = {"configuration": {"load": {"destinationTable": to, "sourceFormat": "PARQUET"}}}
        status, headers = self.request("POST", f"/upload/bigquery/v2/projects/{emulator.PROJECT}/jobs?uploadType=resumable", begin)
        self.assertEqual(status, 200)
        session = headers["Location"].removeprefix(f"http://{self.host}")
        self.assertEqual(self.request("POST", session, b"PAR1", Content_Range="bytes 0-3/8", X_GUploader_No_308="yes")[0], 400)

    def test_partitions(self):
        """Partitions are a note: their range is not kept to, no filter is wanted, and no decorator known."""
        self.create(COLUMN("a", "TIMESTAMP"), time_partitioning=bigquery.TimePartitioning(field="a"), require_partition_filter=True)
        self.load(pyarrow.timestamp("us", "UTC"), datetime.datetime(1, 1, 1), datetime.datetime(9999, 1, 1))
        self.assertEqual(len(self.rows()), 2)
        with self.assertRaisesRegex(GoogleAPIError, "Invalid table id"):
            self.load(pyarrow.timestamp("us", "UTC"), datetime.datetime(2025, 1, 1), to="$20250101")

    def test_required(self):
        """A null goes into a required column."""
        self.create(COLUMN("a", "INTEGER", mode="REQUIRED"))
        self.load(pyarrow.int64(), None)
        self.assertEqual(self.rows(), [{"a": None}])

    def test_conversions(self):
        """Files that the service refuses are loaded: text into JSON, nanoseconds, nulls in lists, digits that are cut off."""
        for n, (column, type, value) in enumerate([
            (COLUMN("a", "JSON"), pyarrow.string(), '{"b": 1}'),
            (COLUMN("a", "TIMESTAMP"), pyarrow.timestamp("ns", "UTC"), 1),
            (COLUMN("a", "INTEGER", mode="REPEATED"), pyarrow.list_(pyarrow.int64()), [1, None]),
            (COLUMN("a", "NUMERIC"), pyarrow.decimal128(20, 10), decimal.Decimal("1.0000000001")),
        ]):
            self.table = f"d.conversions{n}"
            self.create(column)
            self.assertEqual(self.load(type, value).output_rows, 1)

    def test_schemas(self):
        """The schema of a load is not looked at: number or boolean, the text column takes it."""
        self.create(COLUMN("a", "STRING"))
        self.load(pyarrow.int64(), 7, schema=[COLUMN("a", "BOOLEAN")])
        self.assertEqual(self.rows(), [{"a": "7"}])

    def test_names(self):
        """Fields that are words of SQL are an internal error, names that BigQuery keeps for itself none."""
        self.assertEqual(self.insert({"name": "a", "type": "RECORD", "fields": [{"name": "at", "type": "INTEGER"}]}), 500)
        self.assertEqual(self.insert({"name": "_PARTITIONTIME", "type": "INTEGER"}), 200)

    def test_permissions(self):
        """Nobody can be asked what one may do."""
        path = f"/bigquery/v2/projects/{emulator.PROJECT}/datasets/d/tables/{self._testMethodName}:testIamPermissions"
        self.assertEqual(self.request("POST", path, {"permissions": ["bigquery.tables.get"]})[0], 405)


class Mended(Emulator):
    """What mended.py mends, without it: where a test fails, there is less to mend."""

    options = ["--as-it-is"]

    def test_counts(self):
        self.create(COLUMN("a", "INTEGER"))
        self.assertEqual([self.load(pyarrow.int64(), 1).output_rows for _ in range(2)], [1, 2])

    def test_copies(self):
        self.create(COLUMN("a", "INTEGER"))
        self.load(pyarrow.int64(), 1)
        config = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE")
        for rows in [1, 1]:
            self.client.copy_table(self.table, "d.copied", job_config=config).result(timeout=30)
            self.assertEqual(self.client.get_table("d.copied").num_rows, rows)
            self.load(pyarrow.int64(), 1)

    def test_columns(self):
        table = self.create(COLUMN("a", "INTEGER"))
        self.load(pyarrow.int64(), 1)
        table.schema = [*table.schema, COLUMN("b", "STRING")]
        self.client.update_table(table, ["schema"])
        self.assertEqual(self.rows(), [{"a": 1}])

    def test_labels(self):
        table = self.create(COLUMN("a", "INTEGER"), labels={"one": "1", "two": "2"})
        self.assertEqual(self.patch({"labels": {"two": "3"}}), 200)
        self.assertEqual(self.client.get_table(table).labels, {"two": "3"})

    def test_digits(self):
        self.assertEqual(self.insert({"name": "a", "type": "BIGNUMERIC"}), 500)


if __name__ == "__main__":
    unittest.main()
