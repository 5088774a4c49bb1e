"""What goes wrong around the service: stated behaviour, nothing lost, and well again afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.functional.served import (
    HASTY,
    LOST,
    VERB,
    Answer,
    Service,
    Start,
    application,
    decisions_of,
    head,
    ids,
    piece,
    received,
    rows_of,
    sent_until_answered,
    streamed,
)
from tests.postgres import ABSENT, find_binaries, running

LIMIT = 100_000
NDJSON = "application/x-ndjson"
MB = 1_000_000


@pytest.fixture(scope="module")
def patient(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with short limits that the tests share; each leaves it as it was."""
    home = Path(shutil.copytree(small_home, tmp_path_factory.mktemp("patient") / "home"))
    limits = {"head_seconds": 0.6, "body_seconds": 1.2, "pause_seconds": 0.6, "max_body_bytes": LIMIT}
    service = Service(HASTY, home, **limits)
    yield service
    service.kill()


@pytest.fixture
def start(small_home: Path, tmp_path: Path) -> Iterator[Start]:
    """Start services in one home of their own."""
    home, began = tmp_path / "home", []

    def starting(command: Sequence[str] = HASTY, **settings: object) -> Service:
        if not home.exists():
            shutil.copytree(small_home, home)
        began.append(Service(command, home, **settings))
        return began[-1]

    yield starting
    for service in began:
        service.kill()


def assert_not_recorded(answer: Answer) -> None:
    """Hold that a decision was refused because it could not be recorded, and that nothing of it was told."""
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.told["code"] == "ledger-unavailable"
    assert "pd" not in answer.told


# Callers who are slow


def test_a_head_that_drips_is_cut_and_holds_up_nobody(patient: Service) -> None:
    with patient.connected() as slow:
        slow.sendall(b"POST /v1/decisions HTTP/1.1\r\nX-Slow: ")
        sent_until_answered(slow, b"a", 1000, pause=0.05)
        assert received(slow) == b""
    assert patient.decide("A").status == 200


def test_a_body_that_drips_is_refused_with_408_and_holds_up_nobody(patient: Service) -> None:
    with patient.connected() as slow:
        slow.sendall(head("/v1/decisions", **{"Content-Length": "1000"}))
        for _ in range(4):
            assert sent_until_answered(slow, b" ", 2, pause=0.02) == 2
            assert patient.decide("A").status == 200
        sent_until_answered(slow, b" ", 900, pause=0.05)
        told = received(slow)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"request-too-slow" in told
    assert b"connection: close" in told.lower()


def test_a_body_that_stops_is_refused_with_408(patient: Service) -> None:
    with patient.connected() as slow:
        slow.sendall(head("/v1/decisions", **{"Content-Length": "1000"}) + b'{"application"')
        assert received(slow).startswith(b"HTTP/1.1 408 ")


def test_a_batch_may_take_its_time_but_not_fall_silent(patient: Service) -> None:
    with patient.connected() as slow:
        slow.sendall(head("/v1/decisions/batch", NDJSON, **{"Transfer-Encoding": "chunked"}))
        # Longer altogether than another body may take, but never silent for long.
        assert sent_until_answered(slow, piece(b"\n"), 40, pause=0.04) == 40
        slow.sendall(piece(application("slow") + b"\n"))
        first, last = rows_of(streamed(slow))
    assert last["problem"]["code"] == "request-too-slow"
    assert first["answer"]["id"] in {one.id for one in decisions_of(patient.home)}


# Bodies that are large


def test_a_body_that_says_it_is_huge_is_refused_before_it_comes(patient: Service) -> None:
    with patient.connected() as caller:
        caller.sendall(head("/v1/decisions", **{"Content-Length": str(10**12)}))
        told = received(caller)
    assert told.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in told.lower()


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/simulations", "/v1/clients/A/decisions"])
def test_a_body_without_end_is_refused_once_it_is_too_large_and_takes_no_memory(patient: Service, path: str) -> None:
    before = patient.memory
    with patient.connected() as caller:
        caller.sendall(head(path, **{"Transfer-Encoding": "chunked"}))
        assert sent_until_answered(caller, piece(b" " * MB), 1000) < 1000
        assert received(caller).startswith(b"HTTP/1.1 413 ")
    assert patient.memory < before + 50 * MB
    assert patient.decide("A").status == 200


def test_a_line_of_a_batch_without_end_takes_no_memory_and_fails_alone(patient: Service) -> None:
    before = patient.memory
    with patient.connected() as caller:
        caller.sendall(head("/v1/decisions/batch", NDJSON, **{"Transfer-Encoding": "chunked"}))
        sent_until_answered(caller, piece(b" " * MB), 200)
        caller.sendall(piece(b"\n" + application("next") + b"\n") + b"0\r\n\r\n")
        huge, following = rows_of(streamed(caller))
    assert huge["problem"]["code"] == "request-too-large"
    assert following["answer"]["application"] == "next"
    assert patient.memory < before + 50 * MB


def test_a_caller_who_takes_no_answer_is_let_go_of_and_the_others_are_answered(patient: Service) -> None:
    with patient.connected() as caller:
        caller.sendall(head("/v1/decisions/batch", NDJSON, **{"Transfer-Encoding": "chunked"}))
        caller.sendall(piece(b"".join(application(number) + b"\n" for number in range(50))))
        answers = patient.decide_many(range(100, 120))
    assert len(set(ids(answers))) == 20


# A ledger that cannot write


def test_a_locked_database_is_waited_for_and_then_nothing_is_answered_until_it_is_free(patient: Service) -> None:
    with closing(sqlite3.connect(patient.home / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for answer in patient.decide_many(["L1", "L2", "L3"]):
            assert_not_recorded(answer)
        batch = patient.ask("POST", "/v1/decisions/batch", application("L4"), **{"Content-Type": NDJSON})
        assert (batch.told["answer"], batch.told["problem"]["code"]) == (None, "ledger-unavailable")
        assert patient.ask("GET", "/v1/model").status == 200
        other.execute("ROLLBACK")
    later = patient.decide_many(["L1", "L2", "L3"])
    recorded = [one for one in decisions_of(patient.home) if one.entry.client in {"L1", "L2", "L3", "L4"}]
    assert sorted(one.id for one in recorded) == sorted(ids(later))
    assert len(recorded) == 3


def test_a_short_lock_is_waited_for_and_nobody_notices(patient: Service) -> None:
    with (
        closing(sqlite3.connect(patient.home / "ledger.db", isolation_level=None)) as other,
        ThreadPoolExecutor(1) as asking,
    ):
        other.execute("BEGIN IMMEDIATE")
        asked = asking.submit(patient.decide, "short")
        threading.Event().wait(0.1)
        other.execute("ROLLBACK")
        assert asked.result().status == 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("Only root can mount a small disk here.")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_on_a_full_disk_nothing_is_answered_until_there_is_space_again(small_disk: Path, start: Start) -> None:
    ballast, secret = small_disk / "ballast", "the secret of a ledger in a test"
    url = f"sqlite:///{small_disk / 'ledger.db'}"
    service = start(ledger=url, ledger_secret=secret)
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 300_000))
    answers = service.decide_many(range(150))
    refused = [answer for answer in answers if answer.status != 200]
    assert refused
    for answer in (*refused, service.decide("one more")):
        assert_not_recorded(answer)
    assert service.ask("GET", "/v1/model").status == 200
    ballast.unlink()
    later = service.decide_many(range(150))
    assert {answer.status for answer in later} == {200}
    # A key that was answered before the disk was full is answered the same again.
    assert set(ids(answers)) <= set(ids(later))
    assert service.stop() == 0
    recorded = decisions_of(service.home, ledger=url, ledger_secret=secret)
    assert sorted(one.id for one in recorded) == sorted(ids(later))


@pytest.fixture
def postgres() -> Iterator[object]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(ABSENT)
    with running(binaries) as server:
        yield server


def test_without_its_postgresql_nothing_is_answered_until_it_is_back(start: Start, postgres: object) -> None:
    url, secret = postgres.new_database(), "the secret of a ledger in a test"  # type: ignore[attr-defined]
    service = start(ledger=url, ledger_secret=secret)
    before = service.decide_many(range(20))
    postgres.stop()  # type: ignore[attr-defined]
    for answer in service.decide_many(range(20, 30)):
        assert_not_recorded(answer)
    postgres.start()  # type: ignore[attr-defined]
    later = service.decide_many(range(30))
    assert {answer.status for answer in (*before, *later)} == {200}
    assert service.stop() == 0
    recorded = decisions_of(service.home, ledger=url, ledger_secret=secret)
    assert sorted(one.id for one in recorded) == sorted({*ids(before), *ids(later)})
    assert len(recorded) == 30


# Ends


class Callers:
    """Several callers who keep asking until they are told to stop or nobody answers."""

    def __init__(self, service: Service, count: int = 6) -> None:
        self._service = service
        self._over = threading.Event()
        self.answers: dict[str, Answer] = {}
        self.enough = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(caller,)) for caller in range(count)]
        for thread in self._threads:
            thread.start()

    def _ask(self, caller: int) -> None:
        for number in range(10_000):
            client = f"{caller}-{number}"
            self.answers[client] = self._service.decide(client, f"key {client}")
            if number >= 5:
                self.enough.set()
            if self._over.is_set() or self.answers[client].status == LOST:
                return

    def join(self) -> dict[str, Answer]:
        """Wait until each has its last answer."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        return self.answers


def test_a_stop_under_load_answers_every_request_that_was_begun(start: Start) -> None:
    service = start(VERB)
    callers = Callers(service)
    callers.enough.wait()
    assert service.stop() == 0
    answers = callers.join()
    assert {answer.status for answer in answers.values()} <= {200, 503, LOST}
    # Whoever got no answer was not listened to any more: nothing of theirs is recorded.
    assert sorted(one.id for one in decisions_of(service.home)) == sorted(ids(list(answers.values())))


@pytest.mark.slow
def test_after_a_kill_no_answered_decision_is_missing_and_none_is_doubled_when_it_is_asked_again(start: Start) -> None:
    service = start(VERB)
    callers = Callers(service)
    callers.enough.wait()
    service.kill()
    answers = callers.join()
    assert LOST in {answer.status for answer in answers.values()}
    again = start(VERB)
    repeated = {client: again.decide(client, f"key {client}") for client in answers}
    assert all(answer.status == 200 for answer in repeated.values())
    assert all(answer.body == repeated[client].body for client, answer in answers.items() if answer.status == 200)
    assert again.stop() == 0
    recorded = decisions_of(again.home)
    assert sorted(one.id for one in recorded) == sorted(ids(list(repeated.values())))
    assert {one.entry.client for one in recorded} == set(answers)


@pytest.mark.slow
def test_several_workers_write_one_chain(start: Start) -> None:
    service = start(VERB, workers=2)
    answers = service.decide_many(range(60), callers=6)
    # Whichever worker is asked, a key is answered with what was recorded under it.
    assert ids(service.decide_many(range(60), callers=6)) == ids(answers)
    assert len(set(ids(answers))) == 60
    assert service.stop() == 0
    assert sorted(one.id for one in decisions_of(service.home)) == sorted(ids(answers))
