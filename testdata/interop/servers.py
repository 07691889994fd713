"""Databases on the PostgreSQL server that the tests were started beside."""

import gzip
import itertools
import os
import subprocess
import urllib.parse

import psycopg

SERVER = os.environ["TEST_POSTGRES_URL"]
numbers = itertools.count()


def database():
    """Makes an empty database and gives its URL."""
    name = f"interop_{os.getpid()}_{next(numbers)}"
    with psycopg.connect(SERVER, autocommit=True) as c:
        c.execute(f"CREATE DATABASE {name}")
    return urllib.parse.urlsplit(SERVER)._replace(path="/" + name).geturl()


def restore(dump, url):
    with gzip.open(dump) as text:
        subprocess.run(["psql", "-X", "-q", "-d", url], input=text.read(), check=True, stdout=subprocess.DEVNULL)


def settings(url):
    """Gives a database as the environment that the library eventsourcing reads."""
    info = psycopg.conninfo.conninfo_to_dict(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": info["dbname"],
        "POSTGRES_HOST": info["host"],
        "POSTGRES_PORT": str(info.get("port", 5432)),
        "POSTGRES_USER": info["user"],
        "POSTGRES_PASSWORD": info.get("password", "none"),
    }
