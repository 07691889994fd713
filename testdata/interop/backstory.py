"""The binary under test, and the folder it loads into."""

import json
import os
import pathlib
import subprocess

import pyarrow.parquet

BINARY = os.environ["BACKSTORY"]


class Job:
    """A job that loads one store into a folder of its own, out, below work.

    The sections of the configuration are written as JSON, which is YAML too, and
    text is YAML to stand behind them. The values of env are what its ${env:NAME}
    stand for.
    """

    def __init__(self, work, source, env=None, text="", out="out", **sections):
        self.out = pathlib.Path(work) / out
        self.config = pathlib.Path(work) / "backstory.yaml"
        self.env = {**os.environ, **(env or {})}
        self.sections = {"source": source, "sink": {"driver": "parquet", "path": str(self.out)}, "jobs": [{"name": "shop"}]}
        self.text = text
        self.configure(**sections)

    def configure(self, **sections):
        """Changes sections of the configuration."""
        self.sections.update(sections)
        lines = [f"{name}: {json.dumps(section, ensure_ascii=False)}\n" for name, section in self.sections.items()]
        self.config.write_text("".join(lines) + self.text)

    def do(self, *args, code=0):
        """Runs the binary, which must end with that exit code, and gives what it writes."""
        done = subprocess.run([BINARY, *args, "--config", self.config], env=self.env, capture_output=True, text=True)
        if done.returncode != code:
            raise AssertionError(f"backstory {' '.join(args)}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
        return done.stdout

    def run(self, code=0):
        """Loads what is new and gives the report."""
        return json.loads(self.do("run", "--json", code=code))

    def tables(self):
        """Gives the folder of each table of an event type by its name."""
        return {d.name: d for d in sorted(self.out.iterdir()) if d.is_dir() and d.name != "events" and not d.name.startswith("_")}

    def schemas(self):
        """Gives the schemas of each table's files."""
        return {
            name: [pyarrow.parquet.read_schema(f).remove_metadata() for f in sorted(folder.rglob("*.parquet"))]
            for name, folder in self.tables().items()
        }
