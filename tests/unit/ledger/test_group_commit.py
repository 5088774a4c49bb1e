from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError

import pytest

from scorewright.errors import LedgerBusyError, LedgerError, LedgerUnavailableError, UnknownDecisionError
from scorewright.ledger.group_commit import GroupCommit


class Disk:
    """Doubles numbers, one turn at a time when told to wait, and fails as it is told."""

    def __init__(self) -> None:
        self.turns: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Semaphore(0)
        self.waits = False
        self.failure: Exception | None = None

    def write(self, items: Sequence[int]) -> Sequence[int | LedgerError]:
        self.turns.append(list(items))
        if self.waits:
            self.begun.release()
            self.may_go_on.acquire()
        if self.failure is not None:
            raise self.failure
        return [2 * item if item >= 0 else UnknownDecisionError("x") for item in items]


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def writer(disk: Disk) -> Iterator[GroupCommit[int, int]]:
    made = GroupCommit[int, int](disk.write, waiting=5, together=3)
    yield made
    disk.waits = False
    disk.may_go_on.release(100)
    made.close()


def busy(writer: GroupCommit[int, int], disk: Disk) -> None:
    """Leave the writer in the middle of writing a zero."""
    disk.waits = True
    writer.submit(0)
    disk.begun.acquire()


def test_an_idle_writer_writes_at_once(writer: GroupCommit[int, int], disk: Disk) -> None:
    assert [writer.submit(number).result() for number in (1, 2)] == [2, 4]
    assert disk.turns == [[1], [2]]


def test_what_comes_meanwhile_is_written_together_in_order(writer: GroupCommit[int, int], disk: Disk) -> None:
    busy(writer, disk)
    waiting = [writer.submit(number) for number in (1, 2, 3, 4)]
    disk.may_go_on.release(10)
    assert [future.result() for future in waiting] == [2, 4, 6, 8]
    assert disk.turns == [[0], [1, 2, 3], [4]]


def test_no_more_than_so_many_wait(writer: GroupCommit[int, int], disk: Disk) -> None:
    busy(writer, disk)
    waiting = [writer.submit(number) for number in range(5)]
    with pytest.raises(LedgerBusyError, match="5 entries"):
        writer.submit(5)
    disk.may_go_on.release(10)
    assert [future.result() for future in waiting] == [0, 2, 4, 6, 8]
    assert writer.submit(5).result() == 10


def test_an_error_of_one_is_its_own(writer: GroupCommit[int, int], disk: Disk) -> None:
    busy(writer, disk)
    good, bad, other = (writer.submit(number) for number in (1, -1, 2))
    disk.may_go_on.release(10)
    assert (good.result(), other.result()) == (2, 4)
    with pytest.raises(UnknownDecisionError):
        bad.result()


def test_a_failed_transaction_refuses_all_who_wait(writer: GroupCommit[int, int], disk: Disk) -> None:
    busy(writer, disk)
    waiting = [writer.submit(number) for number in range(5)]
    disk.failure = LedgerUnavailableError("a full disk")
    disk.may_go_on.release()
    assert [str(future.exception()).count("a full disk") for future in waiting] == [1] * 5
    assert disk.turns == [[0]]
    disk.failure, disk.waits = None, False
    assert writer.submit(1).result() == 2


def test_even_a_mistake_of_its_own_leaves_nobody_waiting(writer: GroupCommit[int, int], disk: Disk) -> None:
    disk.failure = ZeroDivisionError("told to nobody")
    error = writer.submit(1).exception()
    assert isinstance(error, LedgerUnavailableError)
    assert "told" not in str(error)
    disk.failure = None
    assert writer.submit(1).result() == 2


def test_who_no_longer_waits_is_not_written(writer: GroupCommit[int, int], disk: Disk) -> None:
    busy(writer, disk)
    left, stayed = writer.submit(1), writer.submit(2)
    assert left.cancel()
    disk.may_go_on.release(10)
    assert stayed.result() == 4
    with pytest.raises(CancelledError):
        left.result()
    assert disk.turns == [[0], [2]]


def test_closing_writes_what_waits_and_takes_no_more(disk: Disk) -> None:
    writer = GroupCommit[int, int](disk.write, waiting=9, together=3)
    busy(writer, disk)
    waiting = [writer.submit(number) for number in range(7)]
    disk.may_go_on.release(10)
    writer.close()
    writer.close()
    assert [future.result() for future in waiting] == [0, 2, 4, 6, 8, 10, 12]
    with pytest.raises(LedgerUnavailableError, match="closed"):
        writer.submit(1)


def test_what_can_wait_is_done_when_nobody_waits(disk: Disk) -> None:
    rested: list[list[list[int]]] = []
    done = threading.Semaphore(0)

    def rest() -> None:
        rested.append(list(disk.turns))
        done.release()

    writer = GroupCommit[int, int](disk.write, waiting=5, together=3, rest=rest)
    busy(writer, disk)
    waiting = [writer.submit(number) for number in (1, 2)]
    disk.waits = False
    disk.may_go_on.release()
    assert [future.result() for future in waiting] == [2, 4]
    done.acquire()
    assert rested == [[[0], [1, 2]]]
    writer.close()
