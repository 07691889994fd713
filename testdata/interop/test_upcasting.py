"""The SQL of docs/upcasting.md, on the tables of the demo whose history is repaired."""

import contextlib
import pathlib
import re
import subprocess
import tempfile
import unittest

import duckdb

import stores
from backstory import BINARY

ROOT = pathlib.Path(__file__).parents[2]
QUERY = re.compile(r"^```sql\n(.*?)^```\n```text\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


class Upcasting(unittest.TestCase):
    def test_queries(self):
        demo = (ROOT / "testdata" / "demo" / "repaired.yaml").read_text()
        config = re.sub(r"path: \S*/shop.sqlite", f"path: {stores.STORES / 'shop' / 'shop.sqlite'}", demo)
        config = re.sub(r"path: \S*/out/repaired", "path: out", config)
        with tempfile.TemporaryDirectory() as work, contextlib.chdir(work):
            pathlib.Path("backstory.yaml").write_text(config)
            subprocess.run([BINARY, "run", "--json"], check=True, capture_output=True)
            queries = QUERY.findall((ROOT / "docs" / "upcasting.md").read_text())
            self.assertEqual(len(queries), 3)
            for query, shown in queries:
                got = duckdb.sql(query).df().to_string(index=False)
                self.assertEqual([line.rstrip() for line in got.splitlines()], shown.splitlines(), query)


if __name__ == "__main__":
    unittest.main()
