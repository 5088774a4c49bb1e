"""From an entry to the columns of its row and what is sealed in it, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from scorewright.domain.ledger import (
    AccessEntry,
    AnyEntry,
    DecisionEntry,
    Entry,
    ForgetEntry,
    OutcomeEntry,
    OverrideEntry,
    kind_of,
)
from scorewright.ledger.canonical import encode, pack, unpack
from scorewright.ledger.chain import Row
from scorewright.ledger.keys import KeyRing

_LONGEST_NAME = 200
_NAMES = ("caller", "portfolio", "model", "bundle", "policy", "officer", "action", "request")
_EMPTY: Mapping[str, Any] = dict.fromkeys(
    ("decision", "portfolio", "model", "bundle", "policy", "outcome", "pd", "low", "high")
)
_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class Draft:
    """An entry made ready to be recorded: everything that needs no database.

    Parameters
    ----------
    entry : DecisionEntry, OverrideEntry, OutcomeEntry or AccessEntry
        What will be given back.
    columns : mapping of str to values
        Columns in the clear.
    client : str or None
        Whom it is about, where the entry itself says so.
    tags : tuple of bytes
        The client's tags, under each secret.
    private : bytes or None
        What will be sealed under the client's key.
    idempotency : tuple of bytes
        Digests of caller and idempotency key, under each secret, that in force first; empty without a key.
    request : bytes
        What the caller sent, to tell whether a repeated request is the same one.
    """

    entry: Entry
    columns: Mapping[str, Any]
    client: str | None = field(default=None, repr=False)
    tags: tuple[bytes, ...] = ()
    private: bytes | None = field(default=None, repr=False)
    idempotency: tuple[bytes, ...] = ()
    request: bytes = field(default=b"", repr=False)

    @property
    def decision(self) -> str | None:
        """Id of the decision that it refers to."""
        referred: str | None = self.columns["decision"]
        return referred


def draft(entry: Entry, ring: KeyRing) -> Draft:
    """Make an entry ready to be recorded.

    Raises
    ------
    ValueError
        A name is empty, too long or not printable, a number is not finite, a PD or an interval is none, or a shadow has
        an idempotency key.
    """
    _check_names(entry)
    if isinstance(entry, DecisionEntry):
        entry = _tidy(entry)
    client = getattr(entry, "client", None)
    key = getattr(entry, "idempotency", None)
    return Draft(
        entry=_nameless(entry),
        columns={**_EMPTY, "kind": kind_of(entry), "caller": entry.caller, **_columns(entry)},
        client=client,
        tags=() if client is None else ring.indexes("client", client),
        private=_private(entry),
        idempotency=() if key is None else ring.indexes("idempotency", entry.caller, key),
        request=_request(entry),
    )


def forget_columns(caller: str) -> Mapping[str, Any]:
    """Return the columns in the clear of the row that a client was forgotten. Raises ``ValueError`` as `draft` does."""
    _check_names(ForgetEntry(caller))
    return {**_EMPTY, "kind": "forget", "caller": caller, "details": _json({})}


def entry_of(row: Row, private: bytes | None) -> AnyEntry:
    """Read an entry back. What was sealed is empty if `private` is None."""
    details = json.loads(row["details"])
    match row["kind"]:
        case "override":
            reason = "" if private is None else private.decode()
            return OverrideEntry(row["decision"], row["caller"], details["officer"], row["outcome"], reason)
        case "outcome":
            observed = None if details["observed"] is None else date.fromisoformat(details["observed"])
            return OutcomeEntry(row["decision"], row["caller"], details["defaulted"], observed)
        case "access":
            client = None if private is None else private.decode()
            return AccessEntry(row["caller"], details["action"], details["allowed"], details["request"], client)
        case "forget":
            return ForgetEntry(row["caller"])
        case _:
            return _decision_of(row, details, private)


def _decision_of(row: Row, details: Mapping[str, Any], private: bytes | None) -> DecisionEntry:
    client, features, inputs, answer = (b"", b"", b"", b"") if private is None else unpack(private)
    return DecisionEntry(
        client=client.decode(),
        caller=row["caller"],
        inputs=inputs,
        pd=row["pd"],
        outcome=row["outcome"],
        portfolio=row["portfolio"],
        model=row["model"],
        bundle=row["bundle"],
        policy=row["policy"],
        interval=None if row["low"] is None else (row["low"], row["high"]),
        reasons=tuple(details["reasons"]),
        rules=tuple(details["rules"]),
        features=features.decode(),
        answer=answer,
        shadow_of=row["decision"],
    )


def _check_names(entry: AnyEntry) -> None:
    for name in _NAMES:
        value = getattr(entry, name, None)
        if value is None or (name == "request" and not value):
            continue
        if not value or len(value) > _LONGEST_NAME or not value.isprintable():
            raise ValueError(f"{name} must be printable, of 1 to {_LONGEST_NAME} characters")


def _tidy(entry: DecisionEntry) -> DecisionEntry:
    if entry.shadow_of is not None and entry.idempotency is not None:
        raise ValueError("a shadow is nobody's request, so that it has no idempotency key")
    # Databases do not keep the sign of a zero.
    pd = float(entry.pd) + 0.0
    interval = None if entry.interval is None else (float(entry.interval[0]) + 0.0, float(entry.interval[1]) + 0.0)
    if not 0 <= pd <= 1:
        raise ValueError("a PD lies between 0 and 1")
    if interval is not None and not all(map(math.isfinite, interval)):
        raise ValueError("the ends of an interval are finite")
    return replace(entry, pd=pd, interval=interval)


def _nameless(entry: Entry) -> Entry:
    if isinstance(entry, AccessEntry) or entry.idempotency is None:
        return entry
    return replace(entry, idempotency=None)


def _columns(entry: Entry) -> Mapping[str, Any]:
    if isinstance(entry, DecisionEntry):
        low, high = entry.interval or (None, None)
        return {name: getattr(entry, name) for name in ("outcome", "pd", "portfolio", "model", "bundle", "policy")} | {
            "low": low,
            "high": high,
            "decision": entry.shadow_of,
            "details": _json({"reasons": entry.reasons, "rules": entry.rules}),
        }
    if isinstance(entry, AccessEntry):
        return {"details": _json({name: getattr(entry, name) for name in ("action", "allowed", "request")})}
    if isinstance(entry, OverrideEntry):
        details = _json({"officer": entry.officer})
        return {"decision": entry.decision, "outcome": entry.outcome, "details": details}
    observed = None if entry.observed is None else entry.observed.isoformat()
    return {
        "decision": entry.decision,
        "details": _json({"defaulted": bool(entry.defaulted), "observed": observed}),
    }


def _private(entry: Entry) -> bytes | None:
    if isinstance(entry, DecisionEntry):
        return pack((entry.client.encode(), entry.features.encode(), entry.inputs, entry.answer))
    if isinstance(entry, OverrideEntry):
        return entry.reason.encode()
    if isinstance(entry, AccessEntry) and entry.client is not None:
        return entry.client.encode()
    return None


def _request(entry: Entry) -> bytes:
    if isinstance(entry, DecisionEntry):
        return b"decision" + entry.inputs
    if isinstance(entry, OverrideEntry):
        return b"override" + encode((entry.decision, entry.officer, entry.outcome, entry.reason))
    if isinstance(entry, OutcomeEntry):
        return b"outcome" + encode((entry.decision, int(entry.defaulted), str(entry.observed)))
    return b""


def _json(content: Mapping[str, Any]) -> str:
    return _WRITER.encode(content)
