"""Decisions under idempotency keys, asked for again until each has its answer."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping

from load import LOST, Call, Reply, post
from mixed_load import DECISIONS, OK
from two_versions import Applicants

SEED = 7
#: Of the keys that were answered, so many are asked for again each time.
AGAIN = 20


class Keyed:
    """Deals decisions under idempotency keys, and remembers what each key was answered."""

    def __init__(self, applicants: Applicants, headers: Mapping[str, str]) -> None:
        self.answers: dict[str, str] = {}
        self.lost: dict[str, int] = {}
        self.failed: list[str] = []
        self.differing = 0
        self.now_lost = 0
        self._applicants, self._headers = applicants, headers
        self._open: dict[int, tuple[str, int]] = {}
        self._row_of: dict[str, int] = {}
        self._random = random.Random(SEED)  # noqa: S311 - a load, not a secret
        self._number = 0

    def new(self) -> Iterator[Call]:
        """Deal decisions that nobody asked for before, without end."""
        while True:
            yield self._call(f"killed {self._number}", self._random.randrange(len(self._applicants.bodies)))

    def again(self) -> Iterator[Call]:
        """Deal those that were not answered, and some that were, under the same keys."""
        asked = {**self.lost, **{key: self._row_of[key] for key in list(self.answers)[-AGAIN:]}}
        return iter([self._call(key, row) for key, row in asked.items()])

    def take(self, reply: Reply) -> None:
        """Remember an answer, and hold it to the one before."""
        key, row = self._open.pop(reply.tag)
        if reply.status == LOST:
            self.lost[key] = row
            self.now_lost += 1
        elif reply.status != OK:
            self.failed.append(f"{reply.status} {reply.body[:300]!r}")
        else:
            told = json.loads(reply.body)
            self.lost.pop(key, None)
            self._row_of[key] = row
            self.differing += self.answers.setdefault(key, told["id"]) != told["id"]

    def _call(self, key: str, row: int) -> Call:
        self._number += 1
        self._open[self._number] = (key, row)
        headers = {**self._headers, "Idempotency-Key": key}
        return post(DECISIONS, self._applicants.bodies[row], headers, self._number)
