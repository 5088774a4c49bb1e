"""A disk that is full refuses, loses nothing and is forgiven once there is space."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scorewright.domain.ledger import DecisionEntry, Recorded, Wanted
from scorewright.errors import LedgerUnavailableError
from scorewright.ledger import LedgerKeys, SqlLedger, open_ledger

KEYS = LedgerKeys(b"the secret of a ledger in a test")
CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("Only root can mount a small disk here.")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def decision(number: int) -> DecisionEntry:
    return DecisionEntry(f"client {number}", "desk", bytes(20_000), 0.5, "approve", "p", "1", "b", "0")


def fill(ledger: SqlLedger) -> list[Recorded]:
    made: list[Recorded] = []
    with pytest.raises(LedgerUnavailableError, match="full"):
        made.extend(ledger.append(decision(number)) for number in range(1000))
    return made


def test_a_full_disk_refuses_and_what_was_kept_stays_whole(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(500_000))
    ledger = open_ledger(f"sqlite:///{small_disk / 'ledger.db'}", KEYS)
    made = fill(ledger)
    assert made
    waiting = [ledger.submit(decision(number)) for number in range(20)]
    assert {type(future.exception()) for future in waiting} == {LedgerUnavailableError}
    assert list(ledger.iterate(Wanted())) == made
    assert ledger.verify().broken is None
    ballast.unlink()
    later = ledger.append(decision(0))
    assert later.sequence == len(made) + 1
    assert ledger.verify().broken is None
    ledger.close()
    again = open_ledger(f"sqlite:///{small_disk / 'ledger.db'}", KEYS)
    assert list(again.iterate(Wanted())) == [*made, later]
    again.close()


LIMITED = """
import resource, sys
from scorewright.domain.ledger import DecisionEntry
from scorewright.errors import LedgerUnavailableError
from scorewright.ledger import LedgerKeys, open_ledger

ledger = open_ledger(sys.argv[1], LedgerKeys(sys.argv[2].encode()))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
entry = DecisionEntry("A", "desk", bytes(20_000), 0.5, "approve", "p", "1", "b", "0")
try:
    while True:
        print(ledger.append(entry).id, flush=True)
except LedgerUnavailableError:
    print(ledger.verify().broken, len(list(ledger.anchors())))
"""


def test_a_file_that_may_not_grow_loses_nothing_of_what_was_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", LIMITED, url, "the secret of a ledger in a test"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    *told, last = done.stdout.splitlines()
    assert last == "None 1"
    ledger = open_ledger(url, KEYS)
    assert [one.id for one in ledger.iterate(Wanted())] == told
    assert ledger.verify().broken is None
    ledger.close()
