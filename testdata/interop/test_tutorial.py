"""The Python of docs/tutorial.md, on the tables that its commands make.

What the commands themselves show is compared by a test of cmd/backstory.
"""

import contextlib
import io
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

import stores
from backstory import BINARY

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```([a-z]+)(?: (\S+))?\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


class Tutorial(unittest.TestCase):
    def test_python(self):
        with tempfile.TemporaryDirectory() as work, contextlib.chdir(work):
            shutil.copy(stores.STORES / "shop" / "shop.sqlite", "shop.sqlite")
            self.env = {**os.environ, "PATH": f"{pathlib.Path(BINARY).parent}:{os.environ['PATH']}"}
            known, compared = {}, 0
            for kind, name, text, shown in BLOCK.findall(PAGE.read_text()):
                if kind == "console":
                    for command in re.findall(r"^\$ (.*)$", text, re.MULTILINE):
                        self.follow(command)
                elif kind == "diff":
                    self.patch(pathlib.Path(name or "backstory.yaml"), text)
                elif kind == "sql":
                    pathlib.Path(name).write_text(text)
                elif kind == "python":
                    out = io.StringIO()
                    with contextlib.redirect_stdout(out):
                        exec(text, known)
                    self.assertEqual(lines(out.getvalue()), lines(shown), text)
                    compared += 1
            self.assertGreaterEqual(compared, 2)

    def follow(self, command):
        if export := re.fullmatch(r'export (\w+)="(.*)"', command):
            self.env[export[1]] = export[2]
        elif write := re.fullmatch(r"sqlite3 (\S+) < (\S+)", command):
            with contextlib.closing(sqlite3.connect(write[1])) as store:
                store.executescript(pathlib.Path(write[2]).read_text())
        else:
            subprocess.run(["sh", "-c", command], env=self.env, capture_output=True)

    def patch(self, file, diff):
        before = "".join(line[1:] for line in diff.splitlines(True) if line[0] != "+")
        after = "".join(line[1:] for line in diff.splitlines(True) if line[0] != "-")
        text = file.read_text()
        self.assertEqual(text.count(before), 1, before)
        file.write_text(text.replace(before, after))


def lines(text):
    """Gives the lines of a text without the blanks at their ends, which nobody writes into a page."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


if __name__ == "__main__":
    unittest.main()
