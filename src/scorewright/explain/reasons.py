"""Why a score is worse than the average: families of features, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import isnan

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.explanations import Reason, Reasons, Withheld
from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.explain.local import shown
from scorewright.explain.spoken import Speech
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.wording import FamilyWording, Wording, holes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReasonTerms:
    """What a portfolio says of reasons.

    Parameters
    ----------
    wording : Wording
        Families and their sentences.
    labels : mapping of str to Label
        What people read for raw columns (``"table.column"``).
    protected : frozenset of str
        Raw columns that are never given as reasons.
    currency : str
        Sign or abbreviation of money; empty where the portfolio names none.
    """

    wording: Wording = field(default_factory=Wording)
    labels: Mapping[str, Label] = field(default_factory=dict)
    protected: frozenset[str] = frozenset()
    currency: str = ""


def reason_terms(portfolio: Portfolio) -> ReasonTerms:
    """Gather what a portfolio says of reasons."""
    tables = portfolio.tables.items()
    labels = {f"{table}.{name}": each.label for table, spec in tables for name, each in spec.labels.items()}
    protected = frozenset(f"{table}.{name}" for table, spec in tables for name in spec.protected)
    return ReasonTerms(portfolio.wording, labels, protected, portfolio.money.currency if portfolio.money else "")


@dataclass(frozen=True)
class _Quote:
    """A feature whose value may be quoted, and its typical value in words."""

    at: int
    typical: Label | None


@dataclass(frozen=True)
class _Family:
    """A family with the positions of its features: those that may be given, and those that are withheld."""

    wording: FamilyWording
    speech: Speech
    given: NDArray[np.intp]
    withheld: NDArray[np.intp]
    quotes: tuple[_Quote, ...]
    holes: frozenset[str]


class ReasonBook:
    """Gives the reasons of one model's scores. Compiled once; safe to share between threads: nothing in it changes.

    Parameters
    ----------
    terms : ReasonTerms
        What the portfolio says.
    columns : sequence of FeatureColumn, length p
        The model's features, in order.
    typical : mapping of str to float, str or None
        Typical values of approved clients by feature; those of features that are not shown have no say.

    Notes
    -----
    The first family of the file whose `features` match takes a feature, else the first whose `sources` do. A feature
    that none takes belongs to its first raw column, and to itself where no raw column feeds it.

    A feature that a protected column or a proxy feeds is withheld, whatever else feeds it: it counts in no reason, and
    its value is not quoted.
    """

    def __init__(
        self,
        terms: ReasonTerms,
        columns: Sequence[FeatureColumn],
        typical: Mapping[str, float | str | None] | None = None,
    ) -> None:
        self._columns = tuple(columns)
        self._most = terms.wording.most
        self._barred = tuple(_barred(column, terms) for column in columns)
        self._open = np.array([not barred for barred in self._barred], dtype=np.bool_)
        wordings, self._family_of = _assigned(terms, self._columns)
        self._families = tuple(
            self._compiled(wording, np.flatnonzero(self._family_of == place), terms.currency, typical or {})
            for place, wording in enumerate(wordings)
        )

    @property
    def families(self) -> Mapping[str, str]:
        """Name of the family of each feature."""
        pairs = zip(self._columns, self._family_of.tolist(), strict=True)
        return {column.name: self._families[place].wording.name for column, place in pairs}

    @property
    def withheld(self) -> Mapping[str, tuple[str, ...]]:
        """Features that are never given, each with the raw columns for which it is not."""
        pairs = zip(self._columns, self._barred, strict=True)
        return {column.name: barred for column, barred in pairs if barred}

    def reasons(self, log_odds: Floats, points: Floats, values: Floats, *, refused: bool = False) -> Reasons:
        """Give the reasons of one score.

        Families count by the sum over their features that are not withheld; one whose sum is not above 0 is no reason.
        The withheld features of a family count apart, and are reported where they would have come among the given.

        Where the PD refuses though no family raises the risk above the average, which can be where the threshold lies
        below the average PD, the family that lowers it least is given.

        Parameters
        ----------
        log_odds, points : ndarray of float64, shape (p,)
            How far each feature moved the score: `SharedOut.log_odds` and `SharedOut.points`, one row.
        values : ndarray of float64, shape (p,)
            Values of the features, as in the matrix.
        refused : bool
            Whether the PD refuses, so that there must be a reason.

        Raises
        ------
        ValueError
            When the shapes do not fit.
        """
        if not log_odds.shape == points.shape == values.shape == (len(self._columns),):
            raise ValueError(f"{len(self._columns)} features have as many contributions, points and values.")
        amount = len(self._families)
        place = self._family_of + np.where(self._open, 0, amount)
        sums = np.bincount(place, weights=log_odds, minlength=2 * amount)
        order = np.argsort(-sums, kind="stable")
        ranked = order[sums[order] > 0.0].tolist()
        given = [each for each in ranked if each < amount][: self._most]
        kept = [each - amount for each in ranked[: self._most] if each >= amount]
        if refused and not given:
            moved = [each for each in order.tolist() if each < amount and log_odds[self._families[each].given].any()]
            given = moved[:1]
        return Reasons(
            tuple(self._reason(self._families[each], float(sums[each]), log_odds, points, values) for each in given),
            tuple(self._kept(self._families[each], float(sums[amount + each]), log_odds) for each in kept),
        )

    def _compiled(
        self,
        wording: FamilyWording,
        members: NDArray[np.intp],
        currency: str,
        typical: Mapping[str, float | str | None],
    ) -> _Family:
        speech = Speech(wording.unit, currency)
        places = {column.name: at for at, column in enumerate(self._columns) if self._open[at]}
        quotes = tuple(
            _Quote(places[name], speech.write(typical.get(name))) for name in wording.shown if name in places
        )
        may = self._open[members]
        found = holes(wording.sentence.en) if wording.sentence else frozenset[str]()
        return _Family(wording, speech, members[may], members[~may], quotes, found)

    def _reason(self, family: _Family, total: float, log_odds: Floats, points: Floats, values: Floats) -> Reason:
        order = family.given[np.argsort(-np.abs(log_odds[family.given]), kind="stable")]
        moved = tuple(self._columns[at].name for at in order.tolist() if log_odds[at] != 0.0)
        sentence = self._sentence(family, log_odds, values)
        taken = float(points[family.given].sum())
        return Reason(family.wording.name, family.wording.label, sentence, total, taken, moved)

    def _kept(self, family: _Family, total: float, log_odds: Floats) -> Withheld:
        raised = [at for at in family.withheld.tolist() if log_odds[at] > 0.0]
        columns = sorted({source for at in raised for source in self._barred[at]})
        return Withheld(family.wording.name, family.wording.label, total, tuple(columns))

    def _sentence(self, family: _Family, log_odds: Floats, values: Floats) -> Label:
        """Word a reason; without a value that can be quoted in earnest, by what the portfolio says then."""
        wording = family.wording
        otherwise = wording.unknown or wording.label
        if not family.holes:
            return wording.sentence or otherwise
        # What spoke for the applicant, or is what most have, is no reason against: it would read as nonsense.
        known = (quote for quote in family.quotes if not isnan(values[quote.at]))
        quote = next((quote for quote in known if log_odds[quote.at] > 0.0), None)
        if quote is None:
            return otherwise
        value = family.speech.write(shown(self._columns[quote.at], float(values[quote.at])))
        compares = "typical" in family.holes
        if value is None or (compares and value == quote.typical):
            return otherwise
        text = wording.plain if compares and quote.typical is None else wording.sentence
        return _filled(text, value, quote.typical) if text is not None else wording.label


def _filled(text: Label, value: Label, typical: Label | None) -> Label:
    usual = typical or Label("", "")
    return Label(text.en.format(value=value.en, typical=usual.en), text.fr.format(value=value.fr, typical=usual.fr))


def _barred(column: FeatureColumn, terms: ReasonTerms) -> tuple[str, ...]:
    """Raw columns behind a feature that are never given as reasons."""
    return tuple(
        source
        for source in column.sources
        if source in terms.protected or any(fnmatchcase(source, proxy) for proxy in terms.wording.proxies)
    )


def _assigned(
    terms: ReasonTerms, columns: tuple[FeatureColumn, ...]
) -> tuple[tuple[FamilyWording, ...], NDArray[np.intp]]:
    """Families that have features, and the position of each feature's family among them."""
    own: dict[str, FamilyWording] = {}
    taken = [_taker(terms.wording.families, column) or _own(own, terms, column) for column in columns]
    names = {family.name for family in taken}
    ordered = tuple(family for family in (*terms.wording.families, *own.values()) if family.name in names)
    place = {family.name: at for at, family in enumerate(ordered)}
    return ordered, np.array([place[family.name] for family in taken], dtype=np.intp)


def _taker(families: tuple[FamilyWording, ...], column: FeatureColumn) -> FamilyWording | None:
    named = (family for family in families if family.names(column.name))
    fed = (family for family in families if family.feeds(column.sources))
    return next(named, None) or next(fed, None)


def _own(own: dict[str, FamilyWording], terms: ReasonTerms, column: FeatureColumn) -> FamilyWording:
    """The family of a feature's first raw column, which its label words; of the feature where it has none."""
    # Families of a file have no dot in their names: these cannot meet.
    name = column.sources[0] if column.sources else f".{column.name}"
    return own.setdefault(name, FamilyWording(name, terms.labels.get(name, column.label)))
