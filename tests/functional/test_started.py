"""Servers of the benchmarks start, answer and end with all that they started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.started import HOST, fetch, free_port, started, surroundings

#: Starts a child that would outlive it, says which, and serves files.
SERVER = """
import subprocess, sys, runpy
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("child", "w").write(str(child.pid))
sys.argv[1:] = ["--bind", sys.argv[1], sys.argv[2]]
runpy.run_module("http.server", run_name="__main__")
"""


def gone(number: int) -> bool:
    """Whether a process ended; one that nobody has asked about yet counts."""
    try:
        state = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_server_lives_as_long_as_the_block_and_its_children_no_longer(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    (tmp_path / "there").write_bytes(b"yes")
    command = [sys.executable, "-c", SERVER, HOST, str(port)]
    with started(command, port, "/there", log=log, folder=tmp_path) as process:
        assert fetch(port, "/there") == (200, b"yes")
        assert fetch(port, "/nowhere")[0] == 404
        child = int((tmp_path / "child").read_text(encoding="utf-8"))
        assert not gone(child)
    assert gone(process.pid)
    assert gone(child)
    assert fetch(port, "/there") == (0, b"")


def test_a_server_that_ends_tells_what_it_said(tmp_path: Path) -> None:
    port, command = free_port(), [sys.executable, "-c", "raise SystemExit('no model')"]
    with pytest.raises(RuntimeError, match="no model"), started(command, port, "/", log=tmp_path / "log"):
        raise AssertionError


def test_what_a_user_set_for_a_service_of_their_own_does_not_reach_the_measured_one() -> None:
    before = dict(os.environ)
    os.environ["SCOREWRIGHT_LEDGER"] = "postgresql://production"
    try:
        found = surroundings({"SCOREWRIGHT_HOME": "here"})
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert {name: value for name, value in found.items() if name.startswith("SCOREWRIGHT_")} == {
        "SCOREWRIGHT_HOME": "here"
    }
    assert found["PATH"] == before["PATH"]
