"""A BigQuery that nobody here wrote: the emulator bqemulator, as a process of its own.

Run as a program, it is that process. The emulator wants DuckDB's extension for geography, which is fetched
over the network when it starts; where it cannot be had, it is left out, since no table here has places.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time

PROJECT = "shop-project"


@contextlib.contextmanager
def bigquery():
    """Gives a client of an emulator that ends with the with statement; BIGQUERY_EMULATOR_HOST names one that runs already."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    def client(host):
        options = ClientOptions(api_endpoint=host if "://" in host else f"http://{host}")
        return bigquery.Client(PROJECT, credentials=AnonymousCredentials(), client_options=options)

    if host := os.environ.get("BIGQUERY_EMULATOR_HOST"):
        yield client(host)
        return
    port = free_port()
    command = [sys.executable, __file__, "start", "--rest-port", str(port), "--grpc-port", "0", "--project", PROJECT, "--log-level", "critical"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_port(port, process)
        with contextlib.closing(client(f"127.0.0.1:{port}")) as c:
            yield c
    finally:
        process.terminate()
        process.wait(30)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_port(port, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the emulator ended with exit code {process.returncode}; run it to see why: {__file__} start")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the emulator does not listen after a minute")


def serve():
    from bqemulator import cli
    from bqemulator.domain.errors import InternalError
    from bqemulator.storage.engine import DuckDBEngine

    load = DuckDBEngine._load_spatial

    def without_places(engine):
        with contextlib.suppress(InternalError):
            load(engine)

    DuckDBEngine._load_spatial = without_places
    cli.main()


if __name__ == "__main__":
    serve()
