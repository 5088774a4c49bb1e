"""Search for the smallest settings of levers that lead to another outcome.

Levers have positions, each at a stated effort, and many settings are judged at once. A coarse grid finds sets of levers
that lead there, fewer levers first. Each find is then turned back, lever by lever, to the least position that still
leads there: by interval division, all finds in the same calls. Where more of a lever never does harm, no lever of an
answer could be turned back further; where it does, the answer still leads there, but may not be the least.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from scorewright.domain.matrix import Label

#: Position of each lever: 0 where it is left alone, k at the k-th of its positions.
Setting = tuple[int, ...]
Judge = Callable[[Sequence[Setting]], Sequence[bool]]

APPROVED_ALREADY = Label("The application is approved as it stands.", "La demande est acceptée en l'état.")
NOTHING_TO_CHANGE = Label(
    "Nothing in this application is among what applicants can change.",
    "Rien dans cette demande ne fait partie de ce que le demandeur peut changer.",
)
NOTHING_LEADS_THERE = Label(
    "No change that can be asked of the applicant, within what was seen of others, would lead to approval.",
    "Aucun changement qu'on puisse demander, dans les limites observées chez d'autres, ne mènerait à une acceptation.",
)

#: Positions of each lever on the coarse grid, by the number of levers that are turned together.
_GRID = {1: 10, 2: 4, 3: 2, 4: 1}
#: Positions asked for at once when one lever is turned back.
_PROBES = 7
#: Sets of levers that are looked at closely, per option that is wanted.
_SPARE = 2


@dataclass(frozen=True)
class Dial:
    """One lever, as positions to choose from.

    Parameters
    ----------
    efforts : tuple of float
        Effort of each position, rising.
    columns : frozenset of str
        What it changes: two dials that share a column are never turned together.
    """

    efforts: tuple[float, ...]
    columns: frozenset[str]


@dataclass(frozen=True)
class Ways:
    """Settings that lead there, the easiest first, and how many settings were asked for."""

    settings: tuple[Setting, ...]
    tried: int


def search(dials: Sequence[Dial], judge: Judge, most: int, wanted: int) -> Ways:
    """Find settings that the judge accepts.

    Parameters
    ----------
    dials : sequence of Dial, length d
        The levers.
    judge : callable
        Says of each of many settings whether it leads there.
    most : int
        Dials that are turned together at most, from 1 to 4.
    wanted : int
        How many answers are wanted.

    Returns
    -------
    Ways
        Up to twice as many settings as wanted, by effort. Each changes other columns than those before it: none
        changes all the columns of an easier one and more.
    """
    asked = _Asked(judge)
    finds: list[Setting] = []
    for size in range(1, most + 1):
        easiest = _distinct(dials, finds)
        if len(easiest) >= wanted:
            break
        finds += _first_finds(dials, asked, size, finds)
    closest = _distinct(dials, finds)[: wanted * _SPARE]
    return Ways(_distinct(dials, _turned_back(asked, closest)), len(asked.answers))


def effort(dials: Sequence[Dial], setting: Setting) -> float:
    """Return the sum of the efforts of the dials that a setting turns."""
    return sum(dial.efforts[position - 1] for dial, position in zip(dials, setting, strict=True) if position)


class _Asked:
    """Remembers answers: no setting is asked for twice."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.answers: dict[Setting, bool] = {}

    def accepted(self, settings: Sequence[Setting]) -> list[Setting]:
        new = [setting for setting in dict.fromkeys(settings) if setting not in self.answers]
        if new:
            self.answers.update(zip(new, map(bool, self._judge(new)), strict=True))
        return [setting for setting in settings if self.answers[setting]]


def _columns(dials: Sequence[Dial], setting: Setting) -> frozenset[str]:
    return frozenset[str]().union(*(dial.columns for dial, at in zip(dials, setting, strict=True) if at))


def _distinct(dials: Sequence[Dial], settings: Sequence[Setting]) -> tuple[Setting, ...]:
    """Order settings by effort, and leave out each that changes all that an easier one changes."""
    kept: list[Setting] = []
    for setting in sorted(settings, key=lambda each: (effort(dials, each), sum(map(bool, each)), each)):
        columns = _columns(dials, setting)
        if not any(_columns(dials, easier) <= columns for easier in kept):
            kept.append(setting)
    return tuple(kept)


def _first_finds(dials: Sequence[Dial], asked: _Asked, size: int, finds: Sequence[Setting]) -> list[Setting]:
    """Ask for the coarse grid of all sets of so many dials; give the easiest find of each set."""
    grid = {members: _grid(dials, members, finds) for members in _sets(dials, size)}
    accepted = frozenset(asked.accepted([setting for settings in grid.values() for setting in settings]))
    found = ([setting for setting in settings if setting in accepted] for settings in grid.values())
    return [min(each, key=lambda setting: effort(dials, setting)) for each in found if each]


def _sets(dials: Sequence[Dial], size: int) -> Iterator[tuple[int, ...]]:
    for members in combinations(range(len(dials)), size):
        columns = [dials[member].columns for member in members]
        if len(frozenset[str]().union(*columns)) == sum(map(len, columns)):
            yield members


def _grid(dials: Sequence[Dial], members: tuple[int, ...], finds: Sequence[Setting]) -> list[Setting]:
    """Settings of a set of dials, spread evenly; without those harder than a find that changes less."""
    spread = [_spread(len(dials[member].efforts), _GRID[len(members)]) for member in members]
    settings = [_setting(len(dials), dict(zip(members, positions, strict=True))) for positions in product(*spread)]
    columns = frozenset[str]().union(*(dials[member].columns for member in members))
    bar = min((effort(dials, find) for find in finds if _columns(dials, find) <= columns), default=float("inf"))
    return [setting for setting in settings if effort(dials, setting) < bar]


def _spread(positions: int, many: int) -> list[int]:
    """Give at most so many of the positions 1 to n, evenly spread, the last among them."""
    return sorted({-(-positions * step // many) for step in range(1, many + 1)})


def _setting(dials: int, positions: dict[int, int]) -> Setting:
    return tuple(positions.get(place, 0) for place in range(dials))


@dataclass(frozen=True)
class _Track:
    """A find on the way back.

    Parameters
    ----------
    setting : Setting
        Accepted.
    order : tuple of int
        Dials that are still to be turned back, the present one first.
    low : int
        Position of the present one that does not lead there, given the others.
    """

    setting: Setting
    order: tuple[int, ...]
    low: int = 0

    @property
    def probes(self) -> list[Setting]:
        if not self.order:
            return []
        dial, high = self.order[0], self.setting[self.order[0]]
        gap = high - self.low
        steps = sorted({self.low + gap * step // (_PROBES + 1) for step in range(1, _PROBES + 1)} - {self.low})
        return [(*self.setting[:dial], at, *self.setting[dial + 1 :]) for at in steps]

    def narrowed(self, accepted: Collection[Setting]) -> _Track:
        """Go on from the least accepted probe, or with the next dial where no probe is left."""
        dial, probes = self.order[0], self.probes
        best = next((probe for probe in probes if probe in accepted), self.setting)
        low = max((probe[dial] for probe in probes if probe[dial] < best[dial]), default=self.low)
        on = replace(self, setting=best, low=low)
        return on if on.probes else replace(on, order=self.order[1:], low=0)


def _turned_back(asked: _Asked, finds: Sequence[Setting]) -> list[Setting]:
    """Turn every find back, in as many orders as it turns dials, all in the same calls."""
    tracks = [_Track(find, order) for find in finds for order in _orders(find)]
    while any(track.order for track in tracks):
        accepted = frozenset(asked.accepted([probe for track in tracks for probe in track.probes]))
        tracks = [track.narrowed(accepted) if track.order else track for track in tracks]
    return [track.setting for track in tracks]


def _orders(find: Setting) -> Iterator[tuple[int, ...]]:
    """Orders in which its dials are turned back: each of them comes first once."""
    turned = tuple(place for place, position in enumerate(find) if position)
    return (turned[start:] + turned[:start] for start in range(len(turned)))
