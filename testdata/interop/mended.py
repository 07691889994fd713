"""What has to be mended of bqemulator 1.4.0 before tables can be loaded into it again and again.

Values are none of it: what reads them from a file, keeps them and gives them to SQL is the emulator's own.
docs/bigquery.md says what it cannot show even so, and test_bigquery_emulator.py that this is still true.
"""

import asyncio
import contextlib

from bqemulator import cli
from bqemulator.api.routes import tables, upload
from bqemulator.catalog.memory_repository import MemoryCatalogRepository
from bqemulator.domain.errors import InternalError
from bqemulator.jobs import executor
from bqemulator.storage import type_map
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.storage.sql_identifiers import quoted_table_ref


def places():
    """DuckDB's extension for geography is fetched over the network; no table here has places."""
    load = DuckDBEngine._load_spatial

    def without(engine):
        with contextlib.suppress(InternalError):
            load(engine)

    DuckDBEngine._load_spatial = without


def counts():
    """A load says how many rows its table has, and not how many it has brought."""
    load, turn = executor.execute_load_job, asyncio.Lock()

    async def execute_load_job(project, job, config, ctx):
        async with turn:
            to = config["load"]["destinationTable"]
            before = ctx.catalog.get_table(project, to["datasetId"], to["tableId"])
            meta = await load(project, job, config, ctx)
            brought = int(meta.statistics["load"]["outputRows"]) - (before.num_rows if before else 0)
            return meta.model_copy(update={"statistics": {"load": {"outputRows": str(brought)}}})

    upload.execute_load_job = execute_load_job


def copies():
    """A copy that replaces a table keeps its old columns and its old number of rows."""
    copy = executor._copy_table_into_destination

    async def copy_table(*, dst_proj, dst_ds, dst_table_id, write_disposition, ctx, **others):
        table = dst_proj, dst_ds, dst_table_id
        was = ctx.catalog.get_table(*table)
        if was and write_disposition == "WRITE_TRUNCATE":
            ctx.engine.execute(f"DROP TABLE {quoted_table_ref(*table)}")
            ctx.catalog.delete_table(*table)
        await copy(dst_proj=dst_proj, dst_ds=dst_ds, dst_table_id=dst_table_id, write_disposition=write_disposition, ctx=ctx, **others)
        if was:
            rows = ctx.engine.execute(f"SELECT count(*) FROM {quoted_table_ref(*table)}").fetchone()[0]
            now = ctx.catalog.get_table(*table)
            ctx.catalog.update_table(now.model_copy(update={"num_rows": rows, "creation_time": was.creation_time, "labels": was.labels}))

    executor._copy_table_into_destination = copy_table


def columns():
    """A new column is kept in the catalog and not made in the table; a file's columns are taken in their order and not by name."""
    update = MemoryCatalogRepository.update_table

    def update_table(catalog, table):
        was = catalog.get_table(table.project_id, table.dataset_id, table.table_id)
        if was and was.schema_ != table.schema_:
            old, new = (dict(tables.bq_schema_to_duckdb_columns([tables._field_to_rest(f) for f in t.schema_.fields])) for t in (was, table))
            name = quoted_table_ref(table.project_id, table.dataset_id, table.table_id)
            for column, kind in new.items():
                if column not in old:
                    catalog._engine.execute(f'ALTER TABLE {name} ADD COLUMN "{column}" {kind}')
                elif old[column] != kind:  # an object has a new field
                    catalog._engine.execute(f'ALTER TABLE {name} ALTER COLUMN "{column}" SET DATA TYPE {kind}')
        return update(catalog, table)

    def load_parquet(path, target, ctx):
        ctx.engine.execute(f"INSERT INTO {target} BY NAME SELECT * FROM read_parquet(?)", [path])

    MemoryCatalogRepository.update_table = update_table
    executor._LOAD_FORMAT_HANDLERS["PARQUET"] = load_parquet


def labels():
    """A patch takes away the labels that it does not name."""
    meta = tables._rest_to_table_meta

    def merged(project, dataset, body, clock, existing=None):
        if existing and "labels" in body:
            both = {**existing.labels, **body["labels"]}
            body = {**body, "labels": {name: value for name, value in both.items() if value is not None}}
        return meta(project, dataset, body, clock, existing)

    tables._rest_to_table_meta = merged


def digits():
    """BIGNUMERIC is a DECIMAL of 76 digits, which DuckDB does not have: they are kept as text."""
    type_map._BQ_TO_DUCKDB["BIGNUMERIC"] = "VARCHAR"


def serve(command):
    """Runs the emulator's command line; with --as-it-is nothing is mended that it can start without."""
    places()
    if "--as-it-is" in command:
        command.remove("--as-it-is")
    else:
        for mend in [counts, copies, columns, labels, digits]:
            mend()
    cli.main(command)
