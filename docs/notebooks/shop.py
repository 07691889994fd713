"""What the notebooks share: where the tables are, whether answers agree, how plots look."""

import datetime
import decimal
import math
import os
import pathlib

import duckdb
import matplotlib.pyplot as plt
import pandas as pd

# The folder that the demo's job loads into; SHOP names another.
SHOP = pathlib.Path(os.environ.get("SHOP") or pathlib.Path(__file__).parents[2] / "out" / "repaired")
if not (SHOP / "cart_created").is_dir():
    raise FileNotFoundError(f"no tables in {SHOP}: make them by: bin/backstory run --config testdata/demo/repaired.yaml")

BLUE, RED, GREY = "#2f6f9f", "#c8553d", "#9aa5ad"

plt.rcParams.update({
    "figure.figsize": (9, 3.6), "figure.dpi": 80, "figure.constrained_layout.use": True, "font.size": 11,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "grid.color": "#e6e9eb", "axes.titlelocation": "left", "axes.titleweight": "bold",
})
pd.set_option("display.float_format", "{:,.2f}".format, "display.width", 110)

# Every answer of a notebook by its question, as rows: for whoever runs notebooks as a test.
ANSWERS = {}


def connect():
    """Opens DuckDB with a view for each table, in UTC."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    for table in sorted(SHOP.iterdir()):
        if table.is_dir() and not table.name.startswith("_"):
            db.execute(f"CREATE VIEW {table.name} AS FROM read_parquet('{table}/**/*.parquet')")
    return db


def agree(question, **answers):
    """Checks that all answers to a question are the same, row by row, and gives the first as a pandas frame."""
    frames = {who: answer if isinstance(answer, pd.DataFrame) else answer.to_pandas() for who, answer in answers.items()}
    tables = {who: [[plain(v) for v in row] for row in frame.itertuples(index=False)] for who, frame in frames.items()}
    first, *others = frames
    for who in others:
        assert list(frames[who].columns) == list(frames[first].columns), f"{question}: {who} has other columns than {first}"
        assert len(tables[who]) == len(tables[first]), f"{question}: {who} has {len(tables[who])} rows, {first} {len(tables[first])}"
        for a, b in zip(tables[first], tables[who]):
            assert all(map(same, a, b)), f"{question}: {first} has {a}, {who} {b}"
    ANSWERS[question] = [dict(zip(frames[first].columns, row)) for row in tables[first]]
    return frames[first]


def plain(value):
    """Takes off what a library puts around a value."""
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) or value is pd.NaT or value is pd.NA else value


def same(a, b):
    """Compares values; averages are rounded differently in their last digits."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)
    return a == b
