"""Compute past decisions again with the bundles that made them, and compare bit for bit."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TypeAlias

from scorewright.domain.decisions import NOTHING
from scorewright.domain.ledger import DecisionEntry, Ledger, Recorded, Wanted
from scorewright.domain.replays import Replayed
from scorewright.domain.service import Judged, JudgingService, Wish
from scorewright.errors import (
    ForgottenError,
    LedgerTamperedError,
    NoModelError,
    ReplayDifferenceError,
    ScorewrightError,
    UnknownDecisionError,
)
from scorewright.flows.champion import load_version
from scorewright.flows.decide import ModelService
from scorewright.flows.desk import policy_of
from scorewright.flows.records import decision_entry
from scorewright.registry.seam import ModelVersion, Registry

Load: TypeAlias = Callable[[ModelVersion], JudgingService]
Result: TypeAlias = tuple[str, Replayed | ScorewrightError]
"""Id of a decision, and what replaying it told."""

_TOGETHER = 64


class Replayer:
    """Computes past decisions again. Safe to share between threads.

    Parameters
    ----------
    registry : Registry
        Where the bundles are, whichever version holds an alias today.
    ledger : Ledger
        What was recorded.
    load : callable, optional
        Fetches, verifies and loads a version. By default the bundle of `registry`.
    held : int
        How many models stay loaded.
    """

    def __init__(self, registry: Registry, ledger: Ledger, load: Load | None = None, held: int = 2) -> None:
        self._registry = registry
        self._ledger = ledger
        self._load = load or partial(_load, registry)
        self._most = held
        self._models: OrderedDict[str, tuple[ModelVersion, JudgingService]] = OrderedDict()
        self._loading = threading.Lock()

    def replay(self, decision: str) -> Replayed:
        """Compute a recorded decision, or a shadow of one, again and compare.

        Parameters
        ----------
        decision : str
            Its id.

        Raises
        ------
        ReplayDifferenceError
            It comes out differently. Both values are told of each part that differs.
        UnknownDecisionError, ForgottenError
            There is none of that id, or its inputs can no longer be read.
        NoModelError
            No registered version has the bundle that made it, or that bundle is gone.
        BundleError
            The bundle is not the one that was registered.
        LedgerTamperedError, LedgerUnavailableError
            The ledger has no sound record of it, or does not answer.
        """
        ((_, result),) = self._replayed([self._ledger.get(decision)])
        if isinstance(result, ScorewrightError):
            raise result
        return result

    def replay_many(self, wanted: Wanted | Iterable[str]) -> Iterator[Result]:
        """Compute many decisions again, in bounded memory; one that fails does not keep the others.

        Those of one bundle are computed together, so that its model is loaded once for them.

        Parameters
        ----------
        wanted : Wanted or iterable of str
            Which entries of the ledger, of kind "decision" or "shadow", or their ids.

        Yields
        ------
        tuple of str and Replayed or ScorewrightError
            Id and result, in the order of `wanted`.

        Raises
        ------
        LedgerTamperedError, LedgerUnavailableError
            The ledger cannot be read on. Of ids, one whose record is not sound is a result like others.
        """
        found = self._ledger.iterate(wanted) if isinstance(wanted, Wanted) else map(self._found, wanted)
        while together := list(islice(found, _TOGETHER)):
            records = [one for one in together if isinstance(one, Recorded)]
            results = dict(self._replayed(records))
            yield from (one if isinstance(one, tuple) else (one.id, results[one.id]) for one in together)

    def _found(self, decision: str) -> Recorded | Result:
        try:
            return self._ledger.get(decision)
        except (LedgerTamperedError, UnknownDecisionError) as error:
            return decision, error

    def _replayed(self, records: Sequence[Recorded]) -> Iterator[Result]:
        by_bundle: dict[tuple[str, str], list[tuple[str, DecisionEntry]]] = {}
        for one in records:
            entry = decision_entry(one)
            if one.forgotten:
                yield one.id, ForgottenError(one.id)
            else:
                by_bundle.setdefault((entry.portfolio, entry.bundle), []).append((one.id, entry))
        for entries in by_bundle.values():
            yield from self._computed(entries)

    def _computed(self, entries: Sequence[tuple[str, DecisionEntry]]) -> Iterator[Result]:
        """Compute decisions of one bundle again, and compare each."""
        try:
            version, model = self._model(entries[0][1])
        except ScorewrightError as error:
            yield from ((id_, error) for id_, _ in entries)
            return
        again = model.decide_each([_wish(entry) for _, entry in entries])
        for (id_, entry), judged in zip(entries, again, strict=True):
            yield id_, _compared(id_, entry, judged, version)

    def _model(self, entry: DecisionEntry) -> tuple[ModelVersion, JudgingService]:
        with self._loading:
            if entry.bundle not in self._models:
                version = self._version(entry)
                self._models[entry.bundle] = version, self._load(version)
            self._models.move_to_end(entry.bundle)
            while len(self._models) > self._most:
                self._models.popitem(last=False)
            return self._models[entry.bundle]

    def _version(self, entry: DecisionEntry) -> ModelVersion:
        """Find a version with the recorded bundle: the recorded one if it still has it, whatever alias it lost."""
        same = [one for one in self._registry.versions(entry.portfolio) if one.bundle == entry.bundle]
        if not same:
            raise NoModelError(
                "A decision is computed again by the very bundle that made it.",
                f"no version of {entry.portfolio!r} with bundle {entry.bundle}",
                "Restore the registry from a backup that holds it.",
            )
        return next((one for one in same if one.version == entry.model), same[0])


def _load(registry: Registry, version: ModelVersion) -> JudgingService:
    return ModelService(load_version(registry, version.portfolio, version.version))


def _wish(entry: DecisionEntry) -> Wish:
    return Wish(json.loads(entry.inputs), frozenset({"reasons"}) if entry.reasons else NOTHING)


def _compared(
    id_: str, entry: DecisionEntry, judged: Judged | Exception, version: ModelVersion
) -> Replayed | ReplayDifferenceError:
    if isinstance(judged, ScorewrightError):
        return ReplayDifferenceError(id_, {"outcome": (entry.outcome, f"refused as {judged.code}")})
    if isinstance(judged, Exception):
        raise judged
    before, after = _told_before(entry), _told_again(judged)
    differences = {part: (told, after[part]) for part, told in before.items() if told != after[part]}
    if differences:
        return ReplayDifferenceError(id_, differences)
    return Replayed(id_, version.portfolio, version.version, version.bundle, tuple(before))


def _told_before(entry: DecisionEntry) -> Mapping[str, str]:
    told = _told(entry.pd, entry.interval, entry.outcome, entry.policy)
    told |= {"rules": _names(entry.rules), "features": entry.features}
    # Of a decision whose reasons nobody asked for, none were recorded.
    return told | {"reasons": _names(entry.reasons)} if entry.reasons else told


def _told_again(judged: Judged) -> Mapping[str, str]:
    made = judged.decision
    reasons = made.reasons.given if made.reasons else ()
    return {
        **_told(made.pd, made.interval, made.outcome, policy_of(made.model)),
        "rules": _names(rule.name for rule in made.rules),
        "features": judged.features,
        "reasons": _names(reason.family for reason in reasons),
    }


def _told(pd: float, interval: tuple[float, float] | None, outcome: str, policy: str) -> dict[str, str]:
    ends = "none" if interval is None else " to ".join(map(_bits, interval))
    return {"pd": _bits(pd), "interval": ends, "outcome": outcome, "policy": policy}


def _bits(number: float) -> str:
    """Write a number down so that no two of them look alike. The sign of a zero is not recorded.

    Examples
    --------
    >>> _bits(0.1)
    '0.1 (0x1.999999999999ap-4)'
    """
    return f"{number + 0.0!r} ({(number + 0.0).hex()})"


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
