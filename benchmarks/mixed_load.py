"""Requests of all kinds about real applicants, each answer held to what it must say."""

from __future__ import annotations

import json
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from load import LOST, Call, Reply, get, post
from two_versions import Applicants

DECISIONS, BATCH, SIMULATIONS = "/v1/decisions", "/v1/decisions/batch", "/v1/simulations"
MODEL, SCHEMA = "/v1/model", "/v1/schema"
NDJSON = "application/x-ndjson"
OK = 200
#: How often each kind of request is dealt, in parts of a hundred.
SHARES: Mapping[str, int] = {
    "decide": 58,
    "repeat": 5,
    "batch": 3,
    "simulate": 10,
    "read": 16,
    "model": 6,
    "schema": 2,
}
ROWS = 16
#: So many of the last answers are read again or asked for again.
REMEMBERED = 1000
#: No more than so many complaints are kept in words.
WORDED = 20
LEVER = ("AMT_CREDIT", 0.9)


@dataclass(frozen=True)
class Dealt:
    """A request under way: its kind, the applicants that it is about, its idempotency key, and an id it must tell."""

    kind: str
    rows: tuple[int, ...] = ()
    key: str = ""
    id: str = ""


@dataclass
class Tally:
    """What came back.

    Parameters
    ----------
    kinds : Counter
        Requests answered, by kind.
    answered : dict of str to None
        Ids of the decisions that were answered, in the order of their answers.
    failed : list of str
        Requests that did not get 200, and what they got.
    wrong : list of str
        Answers that say something else than they must.
    versions : Counter
        Decisions by version.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    answered: dict[str, None] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)


class Mixture:
    """Deals requests without end, and takes their replies.

    Parameters
    ----------
    applicants : Applicants
        Whom they are about.
    headers : mapping of str to str
        What admits the caller.
    seed : int
        Draws the kinds and the applicants.
    """

    def __init__(self, applicants: Applicants, headers: Mapping[str, str], seed: int) -> None:
        self.tally = Tally()
        self._applicants = applicants
        self._headers = headers
        self._random = random.Random(seed)  # noqa: S311 - a load, not a secret
        self._open: dict[int, Dealt] = {}
        self._done: deque[Dealt] = deque(maxlen=REMEMBERED)
        self._simulations = tuple(map(_simulation, applicants.bodies))
        self._number = 0

    def __iter__(self) -> Iterator[Call]:
        """Deal one request after the other."""
        while True:
            kind = self._random.choices(list(SHARES), list(SHARES.values()))[0]
            if kind in {"repeat", "read"} and not self._done:
                kind = "decide"
            self._number += 1
            dealt = self._dealt(kind)
            self._open[self._number] = dealt
            yield self._call(dealt, self._number)

    def take(self, reply: Reply) -> None:
        """Hold a reply to what was asked."""
        dealt = self._open.pop(reply.tag)
        if reply.status != OK:
            told = "nothing" if reply.status == LOST else f"{reply.status} {reply.body[:300]!r}"
            self.tally.failed.append(f"{dealt.kind}: {told}")
            return
        self.tally.kinds[dealt.kind] += 1
        try:
            _CHECKS[dealt.kind](self, dealt, reply.body)
        except (ValueError, KeyError, TypeError) as error:
            self.complain(dealt, f"{type(error).__name__}: {error}")

    def _dealt(self, kind: str) -> Dealt:
        if kind in {"repeat", "read"}:
            before = self._random.choice(self._done)
            return Dealt(kind, before.rows, before.key, before.id)
        applicants = range(len(self._applicants.bodies))
        rows = tuple(self._random.choices(applicants, k=ROWS if kind == "batch" else 1))
        return Dealt(kind, rows, f"mixed {self._number}" if kind == "decide" else "")

    def _call(self, dealt: Dealt, tag: int) -> Call:
        bodies, headers = self._applicants.bodies, dict(self._headers)
        if dealt.kind in {"decide", "repeat"}:
            return post(DECISIONS, bodies[dealt.rows[0]], {**headers, "Idempotency-Key": dealt.key}, tag)
        if dealt.kind == "batch":
            lines = b"\n".join(bodies[row] for row in dealt.rows)
            return post(BATCH, lines, {**headers, "Content-Type": NDJSON}, tag)
        if dealt.kind == "simulate":
            return post(SIMULATIONS, self._simulations[dealt.rows[0]], headers, tag)
        return get({"read": f"{DECISIONS}/{dealt.id}", "model": MODEL, "schema": SCHEMA}[dealt.kind], headers, tag)

    def decided(self, dealt: Dealt, row: int, told: Mapping[str, Any]) -> None:
        """Hold a decision to the batch of the version that it names; it must be a new one."""
        self.judged(dealt, row, told)
        if told["id"] in self.tally.answered:
            self.complain(dealt, f"the id {told['id']} twice")
        self.tally.answered[told["id"]] = None
        self.tally.versions[told["model"]["version"]] += 1
        if dealt.key:
            self._done.append(Dealt("decide", (row,), dealt.key, told["id"]))

    def judged(self, dealt: Dealt, row: int, told: Mapping[str, Any]) -> None:
        """Hold a PD to the batch of the version that it names, to the last bit."""
        version = told["model"]["version"]
        expected = self._applicants.pds[version][row]
        if told["pd"] != expected:
            self.complain(dealt, f"PD {told['pd']!r} of version {version} instead of {expected!r}")

    def complain(self, dealt: Dealt, what: str) -> None:
        """Keep what is wrong."""
        self.tally.wrong.append(f"{dealt.kind}: {what}" if len(self.tally.wrong) < WORDED else dealt.kind)

    @property
    def versions(self) -> Mapping[str, object]:
        """The versions that may answer."""
        return self._applicants.pds


def _simulation(body: bytes) -> bytes:
    application = json.loads(body)
    column, factor = LEVER
    changes = {"application": {column: application["application"][column] * factor}}
    return json.dumps({**application, "changes": changes}, separators=(",", ":")).encode()


def _check_decision(mixture: Mixture, dealt: Dealt, body: bytes) -> None:
    mixture.decided(dealt, dealt.rows[0], json.loads(body))


def _check_repeat(mixture: Mixture, dealt: Dealt, body: bytes) -> None:
    told = json.loads(body)
    if told["id"] != dealt.id:
        mixture.complain(dealt, f"another decision, {told['id']}, under the key of {dealt.id}")
    mixture.judged(dealt, dealt.rows[0], told)


def _check_batch(mixture: Mixture, dealt: Dealt, body: bytes) -> None:
    lines = [json.loads(line) for line in body.splitlines()]
    for row, line in zip(dealt.rows, lines, strict=True):
        if line["problem"] is not None:
            mixture.tally.failed.append(f"a row of a batch: {line['problem']}")
        else:
            mixture.decided(dealt, row, line["answer"])


def _check_simulation(mixture: Mixture, dealt: Dealt, body: bytes) -> None:
    mixture.judged(dealt, dealt.rows[0], json.loads(body)["before"])


def _check_read(mixture: Mixture, dealt: Dealt, body: bytes) -> None:
    told = json.loads(body)
    if told["id"] != dealt.id:
        mixture.complain(dealt, f"the id {told['id']} instead of {dealt.id}")
    mixture.judged(dealt, dealt.rows[0], told["answer"])


def _check_model(mixture: Mixture, dealt: Dealt, body: bytes) -> None:
    if json.loads(body)["version"] not in mixture.versions:
        mixture.complain(dealt, "a version that nobody registered")


def _check_schema(_mixture: Mixture, _dealt: Dealt, body: bytes) -> None:
    json.loads(body)["properties"]["application"]


_CHECKS: Mapping[str, Callable[[Mixture, Dealt, bytes], None]] = {
    "decide": _check_decision,
    "repeat": _check_repeat,
    "batch": _check_batch,
    "simulate": _check_simulation,
    "read": _check_read,
    "model": _check_model,
    "schema": _check_schema,
}
