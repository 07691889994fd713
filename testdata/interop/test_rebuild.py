"""Tables that are made anew while pandas reads them."""

import subprocess
import unittest

import pandas

import library
from backstory import BINARY, Job
from warehouse import Warehouse

# The rules before and after, and what they make of the weight of a shipment.
RULES = {
    "weight": [],
    "grams": [{"event": "Shipment.Packed", "from": 1, "do": [{"set": {"grams": "data.weight * 1000"}}, {"drop": ["weight"]}]}],
}


class Rebuild(library.Case):
    def test_readers(self):
        """Whoever reads meanwhile gets all of the old table or all of the new one."""
        env, source = self.sqlite()
        app = self.open(env, Warehouse)
        shipments = 300
        for n in range(shipments):
            app.ship(n)
        job = Job(self.work, source, load={"window": 100}, upcasters=RULES["weight"])
        job.run()
        weights = {p: e.payload["weight"] for p, e in library.restored(app).items() if e.type == "Shipment.Packed"}
        want = {"weight": weights, "grams": {p: w * 1000 for p, w in weights.items()}}
        reads, missed = {"weight": 0, "grams": 0}, 0
        for column in ["grams", "weight"] * 4:
            job.configure(upcasters=RULES[column])
            with subprocess.Popen([BINARY, "rebuild", "shop", "--quiet", "--config", job.config], stdout=subprocess.DEVNULL) as rebuild:
                while rebuild.poll() is None:
                    try:
                        table = pandas.read_parquet(job.out / "shipment_packed")
                    except FileNotFoundError:  # the files that were listed are those of the old table
                        missed += 1
                        continue
                    [read] = want.keys() & set(table.columns)
                    self.assertEqual(dict(zip(table["position"], table[read])), want[read])
                    self.assertFalse(table["position"].duplicated().any())
                    reads[read] += 1
                self.assertEqual(rebuild.returncode, 0)
            table = pandas.read_parquet(job.out / "shipment_packed")
            self.assertEqual(dict(zip(table["position"], table[column])), want[column])
        self.assertGreater(min(reads.values()), 0)
        self.assertLessEqual(missed, 8, "one exchange of the tables can cost one read")


if __name__ == "__main__":
    unittest.main()
