"""The chain: each row's MAC covers the row and the MAC before it; the head's covers the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

from scorewright.domain.ledger import Anchor, Break
from scorewright.ledger.identifiers import to_datetime, to_microseconds
from scorewright.ledger.keys import KeyRing, UnknownKeyError, same
from scorewright.ledger.schema import ENTRIES

Row: TypeAlias = Mapping[str, Any]
"""A row of the chain, by name of column."""

_CHAINED = tuple(column.name for column in ENTRIES.columns if column.name != "mac")


@dataclass(frozen=True)
class Head:
    """The end of a ledger's chain.

    Parameters
    ----------
    ledger : str
        Id of the ledger.
    sequence : int
        The last row; 0 before the first.
    mac : bytes
        Its MAC; before the first row, what the first one is chained to.
    key : str
        Id of the secret it is sealed with.
    seal : bytes
        MAC of all this.
    """

    ledger: str
    sequence: int
    mac: bytes
    key: str
    seal: bytes


def beginning(ledger: str) -> bytes:
    """Return what the first row of a ledger is chained to."""
    return sha256(f"scorewright ledger {ledger}".encode()).digest()


def make_head(ring: KeyRing, ledger: str, sequence: int, mac: bytes) -> Head:
    """Seal the end of a chain under the secret in force."""
    return Head(ledger, sequence, mac, ring.current, _head_seal(ring, ring.current, ledger, sequence, mac))


def is_sealed(ring: KeyRing, head: Head) -> bool:
    """Whether a head is as it was sealed, under a secret that is known."""
    try:
        return same(_head_seal(ring, head.key, head.ledger, head.sequence, head.mac), head.seal)
    except (UnknownKeyError, TypeError):
        return False


def row_mac(ring: KeyRing, row: Row) -> bytes:
    """Return the MAC of a row, over every column but the MAC itself. What is sealed enters as it is stored.

    Raises
    ------
    UnknownKeyError
        The row names a secret that was not given.
    """
    return ring.chain_mac(row["key"], "row", tuple(row[name] for name in _CHAINED))


def flaw(ring: KeyRing, row: Row) -> str | None:
    """Say what is wrong with a row taken by itself, or None."""
    try:
        expected = row_mac(ring, row)
    except UnknownKeyError:
        return "it was written under a secret that is not given"
    except (TypeError, ValueError):
        return "it was edited"
    if not isinstance(row["mac"], bytes) or not same(expected, row["mac"]):
        return "it was edited"
    return None


def make_anchor(ring: KeyRing, ledger: str, row: Row) -> Anchor:
    """Seal what the chain is at a row."""
    return _sealed(ring, Anchor(ledger, row["sequence"], row["mac"].hex(), to_datetime(row["time"]), ring.current, ""))


def is_genuine(ring: KeyRing, ledger: str, anchor: Anchor) -> bool:
    """Whether an anchor was made by this ledger under a secret that is known."""
    try:
        return anchor.ledger == ledger and same(_anchor_seal(ring, anchor), bytes.fromhex(anchor.seal))
    except (UnknownKeyError, ValueError):
        return False


class Walk:
    """Follows a chain row by row, from the first, up to its first break.

    Parameters
    ----------
    ring : KeyRing
        The secrets.
    head : Head or None
        The end that the chain should have, and the ledger's id; None if it is lost.
    anchors : sequence of Anchor
        What the chain was before.
    """

    def __init__(self, ring: KeyRing, head: Head | None, anchors: Sequence[Anchor]) -> None:
        self._ring = ring
        self._head = head
        self._anchors: dict[int, Anchor] = {}
        self._doubtful = next(iter(list(self._unfit(anchors))), None)
        self._rank = 0
        self._mac = beginning(head.ledger) if head else None
        self.rows = 0

    def take(self, row: Row) -> Break | None:
        """Follow one row. Returns the break, if it is one."""
        what = self._flaw(row)
        if what is not None:
            return Break(self.rows + 1, what)
        self.rows += 1
        self._mac = row["mac"]
        self._rank = self._ring.rank(row["key"])
        anchor = self._anchors.pop(self.rows, None)
        if anchor is not None and anchor.mac != self._mac.hex():
            return Break(self.rows, "it is not the row that an exported anchor knows")
        return None

    def end(self) -> Break | None:
        """Compare the end of the rows with the head and the anchors. Returns the break, if there is one."""
        if self._head is None or not is_sealed(self._ring, self._head):
            return Break(self.rows, "the head of the chain is missing, was edited, or is under a secret not given")
        if self._head.sequence > self.rows:
            return Break(self.rows + 1, f"it is missing, with every row up to {self._head.sequence}")
        if self._head.sequence < self.rows:
            return Break(self._head.sequence + 1, "the head of the chain does not know it: it was inserted")
        if self._head.mac != self._mac:
            return Break(self.rows, "it is not the row that the head of the chain knows")
        if self._anchors:
            return Break(
                self.rows + 1,
                f"it is missing: an exported anchor knows rows up to {max(self._anchors)}, so that "
                "the ledger was cut short or set back",
            )
        return self._doubtful

    def _flaw(self, row: Row) -> str | None:
        expected = self.rows + 1
        if row["sequence"] != expected:
            later = isinstance(row["sequence"], int) and row["sequence"] > expected
            return "it is missing" if later else "a row was inserted before it"
        found = flaw(self._ring, row)
        if found is not None:
            return found
        if self._mac is not None and row["previous"] != self._mac:
            return "it does not follow the row before it: a row was inserted, moved, removed or replaced"
        if self._ring.rank(row["key"]) < self._rank:
            return "it was written under a secret that was no longer in force"
        return None

    def _unfit(self, anchors: Sequence[Anchor]) -> Iterator[Break]:
        ledger = self._head.ledger if self._head else None
        for anchor in anchors:
            if ledger is None or not is_genuine(self._ring, ledger, anchor):
                yield Break(anchor.sequence, "its exported anchor was edited, or is of another ledger or secret")
                continue
            known = self._anchors.setdefault(anchor.sequence, anchor)
            if known.mac != anchor.mac:
                yield Break(anchor.sequence, "two exported anchors know it differently")


def _sealed(ring: KeyRing, anchor: Anchor) -> Anchor:
    seal = _anchor_seal(ring, anchor).hex()
    return Anchor(anchor.ledger, anchor.sequence, anchor.mac, anchor.time, anchor.key, seal)


def _anchor_seal(ring: KeyRing, anchor: Anchor) -> bytes:
    values = (anchor.ledger, anchor.sequence, anchor.mac, to_microseconds(anchor.time))
    return ring.chain_mac(anchor.key, "anchor", values)


def _head_seal(ring: KeyRing, key: str, ledger: str, sequence: int, mac: bytes) -> bytes:
    return ring.chain_mac(key, "head", (ledger, sequence, mac))
