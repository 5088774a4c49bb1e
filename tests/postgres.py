"""A PostgreSQL server of the tests' own, from the machine's binaries, on a Unix socket."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

ABSENT = "PostgreSQL's server binaries are not here: apt-get install postgresql."


@dataclass
class Server:
    """A running server; its databases vanish with it."""

    folder: Path
    binaries: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_database(self) -> str:
        """Return the URL of what behaves like an empty database: a schema, which takes far less time to make."""
        name = f"test{next(self._numbers)}"
        with psycopg.connect(f"host={self.folder} user=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://postgres@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    def start(self) -> None:
        options = f"-F -c listen_addresses= -c unix_socket_directories={self.folder} -c max_connections=60"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self.run("pg_ctl", "-w", "-m", mode, "stop")

    def run(self, program: str, *arguments: str) -> None:
        # PostgreSQL does not run as root.
        identity = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        subprocess.run(
            [self.binaries / program, "-D", self.folder / "data", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            **identity,  # type: ignore[call-overload]
        )


def find_binaries() -> Path | None:
    """Return the folder of the server's binaries, or None."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[4]))
    return versions[-1].parent if versions else None


@contextmanager
def running(binaries: Path) -> Iterator[Server]:
    """Run a server until the block ends."""
    with tempfile.TemporaryDirectory(
        prefix="pg-", dir="/tmp", ignore_cleanup_errors=True
    ) as made:  # a short path for its socket
        server = Server(Path(made), binaries)
        if os.geteuid() == 0:
            shutil.chown(made, "postgres", "postgres")
        server.run("initdb", "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
        server.start()
        try:
            yield server
        finally:
            server.stop()
