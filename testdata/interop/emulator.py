"""A BigQuery that nobody here wrote: the emulator bqemulator, as a process of its own.

Run as a program, it is that process, with what mended.py mends of it.
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
    with server() as host, contextlib.closing(client(host)) as c:
        yield c


@contextlib.contextmanager
def server(*options):
    """Gives the host and port of the emulator, as BIGQUERY_EMULATOR_HOST has them."""
    if host := os.environ.get("BIGQUERY_EMULATOR_HOST"):
        yield host
        return
    port = free_port()
    command = [sys.executable, __file__, "start", "--rest-port", str(port), "--grpc-port", "0", "--project", PROJECT, "--log-level", "critical", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_port(port, process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def client(host):
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    options = ClientOptions(api_endpoint=host if "://" in host else f"http://{host}")
    return bigquery.Client(PROJECT, credentials=AnonymousCredentials(), client_options=options)


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


if __name__ == "__main__":
    import mended

    mended.serve(sys.argv[1:])
