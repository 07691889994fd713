"""The notebooks of docs/notebooks, executed on tables that the binary exports."""

import json
import os
import pathlib
import subprocess
import tempfile

import nbclient
import nbformat

from backstory import BINARY

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "notebooks"
DEMO = ROOT / "testdata" / "demo" / "repaired.yaml"


class Shop:
    """The demo's tables, in a folder of their own: use it in a with statement."""

    def __enter__(self):
        self.work = tempfile.TemporaryDirectory()
        work = pathlib.Path(self.work.name)
        text = DEMO.read_text()
        for was, now in [("../stores", str(ROOT / "testdata" / "stores")), ("../../out/repaired", str(work / "shop"))]:
            if text.count(was) != 1:
                raise AssertionError(f"{DEMO} has {was} {text.count(was)} times")
            text = text.replace(was, now)
        self.config, self.path = work / "backstory.yaml", work / "shop"
        self.config.write_text(text)
        self.backstory("run", "--quiet")
        return self

    def __exit__(self, *_):
        self.work.cleanup()

    def backstory(self, *args):
        """Runs the binary on the shop's configuration and gives what it writes."""
        return subprocess.run([BINARY, *args, "--config", self.config], capture_output=True, text=True, check=True).stdout

    def tables(self):
        """Gives the folder of each table by its name."""
        return {d.name: d for d in sorted(self.path.iterdir()) if d.is_dir() and not d.name.startswith("_")}


def names():
    return sorted(file.stem for file in FOLDER.glob("*.ipynb"))


def execute(name, shop):
    """Runs a notebook in a kernel of its own.

    Gives it as it was, as it is afterwards, and its answers by question.
    """
    file = FOLDER / f"{name}.ipynb"
    kept = nbformat.read(file, as_version=4)
    book = nbformat.read(file, as_version=4)
    book.cells.append(nbformat.v4.new_code_cell("import json, shop; print(json.dumps(shop.ANSWERS))"))
    env = {**os.environ, "SHOP": str(shop.path), "BACKSTORY": BINARY}
    client = nbclient.NotebookClient(
        book, timeout=120, kernel_name="python3", extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute(env=env)
    answers = json.loads("".join(o.text for o in book.cells.pop().outputs if o.output_type == "stream" and o.name == "stdout"))
    for cell in book.cells:
        cell.metadata.pop("execution", None)  # when each cell ran
    book.metadata = kept.metadata
    return kept, book, answers


def keep(name, book):
    """Keeps a notebook with its outputs."""
    nbformat.write(book, FOLDER / f"{name}.ipynb")


def texts(book):
    """Gives what the cells of a notebook write, without pictures and without complaints."""
    return [
        [o.text if o.output_type == "stream" else o.data["text/plain"] for o in cell.outputs
         if o.output_type == "stream" and o.name == "stdout" or o.output_type in ("execute_result", "display_data")]
        for cell in book.cells if cell.cell_type == "code"
    ]


def complaints(book):
    """Gives what the cells write to standard error: warnings are mistakes in a page that is shown."""
    return [o.text for cell in book.cells if cell.cell_type == "code" for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
