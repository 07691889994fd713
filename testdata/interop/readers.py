"""Four readers that people use. Each opens a table's folder as it is, with no options that would help it."""

import datetime
import decimal
import uuid

import duckdb
import numpy
import pandas
import polars
import pyarrow.parquet


def with_pyarrow(folder):
    return pyarrow.parquet.read_table(folder).to_pylist()


def with_pandas(folder):
    return pandas.read_parquet(folder).to_dict("records")


def with_polars(folder):
    return polars.scan_parquet(folder).collect().to_dicts()


def with_duckdb(folder):
    cursor = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [f"{folder}/**/*.parquet"])
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


READERS = {"pyarrow": with_pyarrow, "pandas": with_pandas, "polars": with_polars, "duckdb": with_duckdb}


def rows(reader, tables):
    """Reads all tables and gives their rows by position, with the values as Python has them."""
    found = {}
    for name, folder in tables.items():
        for row in READERS[reader](folder):
            row = {column: plain(value) for column, value in row.items()}
            if row["position"] in found:
                raise AssertionError(f"position {row['position']} stands twice, in {name} too")
            found[row["position"]] = {"table": name, **row}
    return found


def plain(value):
    """Takes off what a reader puts around a value: its own scalars, arrays and kinds of nothing."""
    if isinstance(value, numpy.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if value is None or value is pandas.NaT or value is pandas.NA or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, numpy.generic):
        value = value.item()
    if isinstance(value, pandas.Timestamp):
        value = value.to_pydatetime()
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return value.astimezone(datetime.timezone.utc)
    if isinstance(value, uuid.UUID):
        return str(value)
    return value


def same(want, got):
    """Tells whether a value that was read is the one that was stored.

    A number with a fraction is compared digit for digit where the column is a decimal, and as a double
    where it is one. Pandas reads whole numbers as doubles where some are missing.
    """
    if isinstance(want, list):
        return isinstance(got, list) and len(want) == len(got) and all(map(same, want, got))
    if isinstance(want, dict):
        return isinstance(got, dict) and all(same(want.get(k), got.get(k)) for k in want.keys() | got.keys())
    if isinstance(want, bool) or isinstance(got, bool):
        return want is got
    if isinstance(want, str) and isinstance(got, decimal.Decimal):  # JSON has a decimal as text
        return decimal.Decimal(want) == got
    if isinstance(want, decimal.Decimal) and isinstance(got, float):
        return float(want) == got
    return want == got
