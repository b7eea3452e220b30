"""A store of the real mem0, filled call by call, and the files that people export from one."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
import pytest
from django.db import connections
from psycopg import conninfo

from tests.llm_peer import LLMPeer
from tests.running import PROJECT

TABLE = "mem0_of_the_tests"
Call = tuple[str, dict[str, Any]]


class Mem0Store:
    """One collection of mem0 in the test database, owned by the owner; `tell` runs mem0's own calls."""

    def __init__(self, folder: Path, peer: LLMPeer) -> None:
        self.folder, self.peer = folder, peer
        given = connections["owner"].get_connection_params()
        kept = {key: given[key] for key in ("dbname", "user", "password", "host", "port") if given.get(key)}
        self.conninfo = conninfo.make_conninfo(**kept)
        self.url = "postgresql:///{dbname}?host={host}&port={port}&user={user}&password={password}".format(
            **{"port": 5432, **kept}
        )

    @property
    def source(self) -> str:
        return f"{self.url}&table={TABLE}"

    @property
    def history(self) -> Path:
        return self.folder / "history.db"

    def tell(self, *calls: Call) -> list[Any]:
        """Run these calls of `mem0.Memory`; what they answered."""
        command = [sys.executable, "-m", "tests.mem0_store", "--postgres", self.url, "--table", TABLE]
        command += ["--peer", self.peer.base_url, "--folder", str(self.folder)]
        ran = subprocess.run(
            command, input=json.dumps(calls), capture_output=True, text=True, cwd=PROJECT, timeout=120, check=False
        )
        assert ran.returncode == 0, ran.stderr[-2000:]
        return json.loads(ran.stdout)

    def copy_csv(self) -> Path:
        """The table as `COPY ... TO ... CSV HEADER` writes it."""
        path = self.folder / "memories.csv"
        with path.open("wb") as file:
            self._copy(f"COPY {TABLE} (id, vector, payload) TO STDOUT CSV HEADER", file)
        return path

    def dump_sql(self) -> Path:
        """The table as pg_dump writes it."""
        path = self.folder / "dump.sql"
        with path.open("wb") as file:
            file.write(b"--\n-- PostgreSQL database dump\n--\n\nSET row_security = off;\n\n")
            file.write(f"COPY public.{TABLE} (id, vector, payload) FROM stdin;\n".encode())
            self._copy(f"COPY {TABLE} (id, vector, payload) TO STDOUT", file)
            file.write(b"\\.\n\n-- PostgreSQL database dump complete\n")
        return path

    def _copy(self, statement: str, file: BinaryIO) -> None:
        with psycopg.connect(self.conninfo) as connection, connection.cursor().copy(statement) as copy:
            for block in copy:
                file.write(block)

    def checksum(self) -> str:
        """What the table holds, in one word."""
        with psycopg.connect(self.conninfo) as connection:
            query = f"SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM {TABLE} t"
            return str(connection.execute(query).fetchone()[0])

    def drop(self) -> None:
        with psycopg.connect(self.conninfo) as connection:
            connection.execute(f"DROP TABLE IF EXISTS {TABLE}, {TABLE}_entities, mem0migrations")


@pytest.fixture(name="mem0")
def a_store(django_db_setup: None, django_db_blocker: Any, tmp_path: Path, llm_peer: LLMPeer) -> Iterator[Mem0Store]:
    with django_db_blocker.unblock():
        store = Mem0Store(tmp_path, llm_peer)
    store.drop()
    yield store
    store.drop()


def said(text: str, user_id: str | None, *, who: str = "user", **more: Any) -> Call:
    """The call that stores a sentence as it is."""
    name = more.pop("name", None)
    message = {"role": who, "content": text} | ({"name": name} if name else {})
    return "add", {"messages": [message], "user_id": user_id, "infer": False, **more}


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Payloads as a CSV of mem0's table, without its vectors."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "vector", "payload"])
        writer.writerows([row.pop("id"), "[0,0]", json.dumps(row)] for row in rows)
    return path


def write_json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path
