"""Follow the registry: answer with the version that holds an alias now, and change it between two requests.

A background thread asks the registry who holds the alias. When that changes, the new bundle is fetched, verified,
loaded and warmed beside the one that answers; then one reference is replaced. A request reads that reference once, so
it ends with the model it began with. No request ever waits for the registry.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from scorewright.domain.decisions import NOTHING, Decision, Include, ModelInfo, Simulated
from scorewright.domain.service import Judged, Wish
from scorewright.errors import NoModelError, ScorewrightError
from scorewright.flows.champion import chosen_portfolio
from scorewright.flows.memory import settle_memory
from scorewright.flows.warming import Held, load_held
from scorewright.registry.seam import ModelVersion, Registry

log = logging.getLogger("scorewright.models")

Slot = Literal["champion", "challenger"]
Happening = Literal["swapped", "refused", "withdrawn", "unreachable", "reached"]


@dataclass(frozen=True)
class Following:
    """Whom to follow, and how often to look.

    Parameters
    ----------
    wanted : str
        Alias or version number of the model that answers.
    challenger : str or None
        Alias of the model that is scored beside it; None for none.
    interval : float
        Seconds between two looks at the registry.
    longest : float
        Longest wait, in seconds, before a refused bundle is tried again. The first is `interval`, and each doubles.
    """

    wanted: str = "champion"
    challenger: str | None = None
    interval: float = 2.0
    longest: float = 300.0


@dataclass(frozen=True)
class Refusal:
    """A version that could not take over.

    Parameters
    ----------
    version : ModelVersion
        Which.
    code : str
        Code of the error, or ``"unexpected"``.
    reason : str
        What is wrong. Of an unexpected error its class alone, for its message may quote a row.
    attempts : int
        How often it was tried.
    retry_at : float
        When it is tried again, by the follower's clock.
    """

    version: ModelVersion
    code: str
    reason: str
    attempts: int
    retry_at: float


@dataclass(frozen=True)
class SlotState:
    """How following one alias goes.

    Parameters
    ----------
    slot : {"champion", "challenger"}
        What is done with it: answered, or scored beside.
    alias : str
        Alias or version number that is followed.
    serving : ModelVersion or None
        What is loaded.
    refused : Refusal or None
        What holds the alias now and could not take over.
    unreachable : str or None
        Why the registry did not answer at the last look; None if it did.
    age : float
        Seconds since the registry last answered.
    """

    slot: Slot
    alias: str
    serving: ModelVersion | None
    refused: Refusal | None
    unreachable: str | None
    age: float


@dataclass(frozen=True)
class Event:
    """Something that an operator wants to count or to hear of."""

    happening: Happening
    slot: Slot
    version: str | None = None
    bundle: str | None = None
    code: str | None = None
    reason: str | None = None
    attempts: int | None = None


Load = Callable[[ModelVersion], Held]
Listen = Callable[[Event], None]


def _unheard(event: Event) -> None:
    """Take no notice of an event: it is logged all the same."""


@dataclass
class _Place:
    """One slot. `held` is read by anyone without a lock, and replaced whole by the follower alone."""

    slot: Slot
    alias: str
    answered_at: float
    held: Held | None = None
    refused: Refusal | None = None
    unreachable: str | None = None

    def state(self, now: float) -> SlotState:
        held = self.held
        serving, age = held.version if held else None, now - self.answered_at
        return SlotState(self.slot, self.alias, serving, self.refused, self.unreachable, age)


class Follower:
    """Decides with the version that the registry names; implements `scorewright.domain.decisions.DecisionService`.

    Parameters
    ----------
    registry : Registry
        Asked by the follower's thread alone.
    portfolio : str or None
        Name; None where the registry holds just one.
    following : Following
        Whom to follow, and how often to look.
    load : callable, optional
        Fetches, verifies, loads and warms a version. By default `load_held` from `registry`.
    listen : callable, optional
        Told of every event, in the follower's thread.
    now : callable, optional
        Clock, in seconds.

    Raises
    ------
    NoModelError
        The portfolio is not in the registry, or not the only one.
    """

    def __init__(
        self,
        registry: Registry,
        portfolio: str | None,
        following: Following = Following(),
        load: Load | None = None,
        listen: Listen = _unheard,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self.portfolio = chosen_portfolio(registry, portfolio)
        self._following = following
        self._load = load or partial(load_held, registry)
        self._listen = listen
        self._now = now
        self._champion = _Place("champion", following.wanted, now())
        self._challenger = _Place("challenger", following.challenger, now()) if following.challenger else None
        self._looking = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Load the model that is wanted now, and follow it from then on.

        Raises
        ------
        NoModelError
            There is none.
        BundleError
            Its bundle is not the one that was registered, or does not answer its own example.
        RegistryUnusableError
            The registry does not answer.
        """
        self._swap(self._champion, self._registry.version(self.portfolio, self._champion.alias))
        self.look()
        self._thread = threading.Thread(target=self._run, name="scorewright-follower", daemon=True)
        self._thread.start()

    def close(self, within: float = 10.0) -> None:
        """Stop following, and wait for a look under way to end. The model keeps answering."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(within)

    def current(self) -> Held:
        """Return what answers now. Never waits. Raises ``NoModelError`` before `start`."""
        held = self._champion.held
        if held is None:
            raise NoModelError("A model must be loaded.", "none", "Start following the registry first.")
        return held

    def shadow(self) -> Held | None:
        """Return the challenger that is scored beside, or None: none is followed, or it is the one that answers."""
        beside = self._challenger.held if self._challenger else None
        return None if beside is None or _same(beside.version, self.current().version) else beside

    def state(self) -> tuple[SlotState, ...]:
        """Say how following the champion goes, and then the challenger if one is followed."""
        places = (self._champion, self._challenger)
        return tuple(place.state(self._now()) for place in places if place is not None)

    def model(self) -> ModelInfo:
        """Say which model answers."""
        return self.current().service.model()

    def decide(self, application: Mapping[str, Any], include: frozenset[Include] = NOTHING) -> Decision:
        """Decide one application with the model of this moment."""
        return self.current().service.decide(application, include)

    def decide_each(self, wishes: Sequence[Wish]) -> Sequence[Judged | ScorewrightError]:
        """Decide several applications, all with the model of this moment."""
        return self.current().service.decide_each(wishes)

    def schema(self) -> Mapping[str, Any]:
        """Give the JSON schema of the applications that the model of this moment accepts."""
        return self.current().service.schema()

    def simulate(
        self,
        application: Mapping[str, Any],
        changes: Mapping[str, Mapping[str, Any]],
        include: frozenset[Include] = NOTHING,
    ) -> Simulated:
        """Decide an application as it is and as it would be, both with the model of this moment."""
        return self.current().service.simulate(application, changes, include)

    def example(self) -> Mapping[str, Any]:
        """Give a made-up application that the model of this moment accepts."""
        return self.current().service.example()

    def look(self) -> None:
        """Look at the registry once, and follow what it says. Never raises: the model that answers keeps answering."""
        with self._looking:
            self._follow(self._champion)
            if self._challenger:
                self._follow(self._challenger)

    def _run(self) -> None:
        while not self._closed.wait(self._following.interval):
            self.look()

    def _follow(self, place: _Place) -> None:
        try:
            version = self._registry.version(self.portfolio, place.alias)
        except NoModelError as error:
            self._without(place, error)
        except Exception as error:  # noqa: BLE001 - whatever a registry raises, the service outlives it
            self._lose(place, error)
        else:
            self._reach(place)
            self._take_over(place, version)

    def _take_over(self, place: _Place, version: ModelVersion) -> None:
        if place.held is not None and _same(place.held.version, version):
            place.refused = None
            return
        if not self._is_due(place.refused, version):
            return
        try:
            self._swap(place, version)
        except Exception as error:  # noqa: BLE001 - loading runs other libraries; none may end the following
            self._refuse(place, version, error)

    def _swap(self, place: _Place, version: ModelVersion) -> None:
        place.held = self._found(version) or self._load(version)
        place.refused = None
        settle_memory()
        self._tell(Event("swapped", place.slot, version.version, version.bundle))

    def _found(self, version: ModelVersion) -> Held | None:
        """Return the version if the other slot holds it: a challenger that is promoted is warm already."""
        places = [place for place in (self._champion, self._challenger) if place and place.held]
        return next((place.held for place in places if place.held and _same(place.held.version, version)), None)

    def _is_due(self, refused: Refusal | None, version: ModelVersion) -> bool:
        return refused is None or not _same(refused.version, version) or self._now() >= refused.retry_at

    def _refuse(self, place: _Place, version: ModelVersion, error: Exception) -> None:
        before = place.refused
        attempts = before.attempts + 1 if before and _same(before.version, version) else 1
        wait = min(self._following.interval * 2.0 ** min(attempts - 1, 60), self._following.longest)
        code, reason = _told(error)
        place.refused = Refusal(version, code, reason, attempts, self._now() + wait)
        self._tell(Event("refused", place.slot, version.version, version.bundle, code, reason, attempts))

    def _without(self, place: _Place, error: NoModelError) -> None:
        """Nobody holds the alias. A challenger may be absent; the champion that answers is kept."""
        if place is self._champion:
            self._lose(place, error)
            return
        self._reach(place)
        if place.held or place.refused:
            place.held = place.refused = None
            self._tell(Event("withdrawn", place.slot))

    def _lose(self, place: _Place, error: Exception) -> None:
        code, reason = _told(error)
        before, place.unreachable = place.unreachable, reason
        if before is None:
            self._tell(Event("unreachable", place.slot, code=code, reason=reason))

    def _reach(self, place: _Place) -> None:
        place.answered_at = self._now()
        before, place.unreachable = place.unreachable, None
        if before is not None:
            self._tell(Event("reached", place.slot))

    def _tell(self, event: Event) -> None:
        level = logging.ERROR if event.happening in {"refused", "unreachable"} else logging.INFO
        said = {name: value for name, value in vars(event).items() if value is not None and name != "happening"}
        log.log(level, f"model-{event.happening}", extra=said)  # noqa: G004 - the event's name, of five
        try:
            self._listen(event)
        except Exception as error:  # noqa: BLE001 - a listener that fails must not pass for a model that does
            log.error("listener-failed", extra={"error": type(error).__qualname__})  # noqa: TRY400 - it may quote


def _same(one: ModelVersion, other: ModelVersion) -> bool:
    return (one.portfolio, one.version, one.bundle) == (other.portfolio, other.version, other.bundle)


def _told(error: Exception) -> tuple[str, str]:
    if isinstance(error, ScorewrightError):
        return error.code, str(error)
    return "unexpected", type(error).__qualname__
