"""Applications, or applicants, that stand on both sides of the split into training and test.

A table of few values holds rows that are equal by chance: twins. They stand where rows crowd, so that neighbours, rows
which differ in one column alone, stand there too. How many twins a row should have follows from them: of the rows that
are equal but for one column, the share that its value has among all rows would be equal there too. The largest of these
numbers over all columns is what chance gives; a row that has an equal though chance gives hardly any is a copy. A copy
within a crowd is not told from a twin, and nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.domain.explanations import Finding, Severity
from scorewright.explain.leaks.outcomes import Floats, Positions
from scorewright.explain.leaks.suspicion import permission

ROWS, PERSONS = "shared_rows", "shared_persons"

#: A row that a model has learnt is as good as known. With so many, an AUC of 0.75 is told 0.0025 and 0.0125 too high:
#: as much as a candidate gains on another.
WARN, REFUSE = 0.01, 0.05

#: Another loan of the same person tells less than the same loan.
PERSONS_WARN, PERSONS_REFUSE = 0.05, 0.25

#: A row that should have more twins than this may have one by chance.
TWINS = 0.01

#: Fewer copies may be twins even so.
FEWEST = 5

#: With more rows to a value on average than this, a column names no person but a group.
MOST_ROWS_OF_A_PERSON = 5.0

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Read:
    """Everything that the features read of n applications, without keys and identifiers.

    Parameters
    ----------
    raw : DataFrame, n rows
        Raw columns of the application.
    features : ndarray of float64, shape (n, p)
        The matrix.
    places : sequence of int
        Which of its columns read other tables.
    """

    raw: pl.DataFrame
    features: Floats
    places: Sequence[int] = ()

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.raw.width + len(self.places)

    def hashes(self, column: int) -> Hashes:
        """Hash the values of a column, by a hash of its own; shape (n,)."""
        of_raw = column < self.raw.width
        values = self.raw.to_series(column) if of_raw else self._feature(self.places[column - self.raw.width])
        return values.hash(column).to_numpy()

    def _feature(self, place: int) -> pl.Series:
        return pl.Series(np.ascontiguousarray(self.features[:, place]))


def shared_rows(read: Read, train: Positions, test: Positions, root: str) -> tuple[Finding, ...]:
    """Return a finding where test applications are copies of training applications.

    Parameters
    ----------
    read : Read
        What the features read of all applications.
    train, test : ndarray of intp
        Rows of the two sides.
    root : str
        Name of the table of applications.
    """
    copies = _copies(read, train, test).size
    share = copies / test.size
    if copies < FEWEST or share < WARN:
        return ()
    severity: Severity = "refuse" if share >= REFUSE else "warn"
    finding = Finding(
        kind=ROWS,
        severity=severity,
        columns=(root,),
        features=(),
        value=share,
        bound=REFUSE if severity == "refuse" else WARN,
        seen=(
            f"{copies:,} of {test.size:,} test applications ({share:.1%}) equal an application of training in all "
            f"{read.width} columns that the features read, where the applications around explain no equal one."
        ),
        why="Rows are not equal there by chance: they are copies, whose outcome the model has learnt before its test.",
        remedy=f"Remove the copies from {root!r}; if they are different loans, say why: {permission([root])}.",
    )
    return (finding,)


def _copies(read: Read, train: Positions, test: Positions) -> Positions:
    """Return the test rows that have an equal in training and should have none."""
    whole = np.zeros(train.size + test.size, dtype=np.uint64)
    for column in range(read.width):
        whole += read.hashes(column)
    equals = _counts(whole[train], whole[test])
    copies, equals = test[equals > 0], equals[equals > 0]
    for column in range(read.width):
        if not copies.size:
            break
        own = read.hashes(column)
        rest = whole - own
        neighbours = _counts(rest[train], rest[copies]) - equals
        elsewhere = (_counts(own[train], own[copies]) - 1) / train.size
        few = neighbours * elsewhere <= TWINS
        copies, equals = copies[few], equals[few]
    return copies


def _counts(among: Hashes, wanted: Hashes) -> Positions:
    """How often each wanted hash is among the others."""
    ordered = np.sort(among)
    counts: Positions = np.searchsorted(ordered, wanted, "right") - np.searchsorted(ordered, wanted, "left")
    return counts


def shared_persons(identifiers: pl.DataFrame, train: Positions, test: Positions, *, dated: bool) -> tuple[Finding, ...]:
    """Return a finding for each identifier of persons that has applications on both sides.

    Parameters
    ----------
    identifiers : DataFrame, n rows
        Identifiers of each application, its key aside. One with more than five rows to a value names no person.
    train, test : ndarray of intp
        Rows of the two sides.
    dated : bool
        Whether the test applications are the latest: a person who comes back is then no leak, but worth a note.
    """
    found = []
    for values in identifiers.iter_columns():
        shared = _shared(values, train, test)
        if shared >= FEWEST / test.size and shared >= PERSONS_WARN:
            found.append(_person(values.name, shared, dated=dated))
    return tuple(found)


def _shared(values: pl.Series, train: Positions, test: Positions) -> float:
    """Share of the test applications whose applicant has one in training."""
    filled = values.drop_nulls()
    if filled.is_empty() or len(filled) / filled.n_unique() > MOST_ROWS_OF_A_PERSON:
        return 0.0
    known = values.gather(train).drop_nulls().unique()
    return int(values.gather(test).is_in(known.implode()).sum()) / test.size


def _person(column: str, share: float, *, dated: bool) -> Finding:
    strict: Severity = "refuse" if share >= PERSONS_REFUSE else "warn"
    severity: Severity = "note" if dated else strict
    return Finding(
        kind=PERSONS,
        severity=severity,
        columns=(column,),
        features=(),
        value=share,
        bound=PERSONS_REFUSE if severity == "refuse" else PERSONS_WARN,
        seen=f"{share:.1%} of the test applications share their {column} with an application of training.",
        why=_LATER if dated else _DRAWN,
        remedy="Nothing need be done." if dated else f"{_REMEDY}: {permission([column])}.",
    )


_LATER = "The test applications are the later ones, so that clients who come back are known as they will be in use."
_DRAWN = "The model has learnt from other loans of the persons it is tested on; of new ones it will know less."
_REMEDY = (
    "Name the date of the applications in portfolio.toml to test on later ones, or keep one application of each "
    "person; if it names no person, say why"
)
