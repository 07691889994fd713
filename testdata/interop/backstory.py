"""The binary under test, and the folder it loads into."""

import json
import os
import pathlib
import subprocess

import pyarrow.parquet

BINARY = os.environ["BACKSTORY"]


class Job:
    """A job that loads one store into a folder of its own below work.

    The configuration is written as JSON, which is YAML too. The values of env
    are what its ${env:NAME} stand for.
    """

    def __init__(self, work, source, env=None, **sections):
        self.out = pathlib.Path(work) / "out"
        self.config = pathlib.Path(work) / "backstory.yaml"
        self.env = {**os.environ, **(env or {})}
        document = {"source": source, "sink": {"driver": "parquet", "path": str(self.out)}, "jobs": [{"name": "shop"}]}
        self.config.write_text(json.dumps({**document, **sections}, indent=1))

    def run(self):
        """Loads what is new and gives the report."""
        done = subprocess.run(
            [BINARY, "run", "--json", "--config", self.config], env=self.env, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise AssertionError(f"backstory run: exit code {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)

    def tables(self):
        """Gives the folder of each table by its name."""
        return {d.name: d for d in sorted(self.out.iterdir()) if d.is_dir() and not d.name.startswith("_")}

    def schemas(self):
        """Gives the schemas of each table's files."""
        return {
            name: [pyarrow.parquet.read_schema(f).remove_metadata() for f in sorted(folder.rglob("*.parquet"))]
            for name, folder in self.tables().items()
        }
