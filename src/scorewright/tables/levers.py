"""What applicants can change: the section ``[recourse]`` of ``portfolio.toml``, and its values.

Only what a lever names can be changed; everything else about an application is taken as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, model_validator

from scorewright.domain.matrix import Label
from scorewright.tables.sections import Amount, ColumnName, LabelSpec, Name, Scalar, Section

Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)]

_ROOT = "application"
_MOST_LEVERS = 12


@dataclass(frozen=True)
class Scale:
    """Amounts above zero that shrink or grow by one common factor, row by row.

    Parameters
    ----------
    limit : float
        The furthest factor: below 1 the share of an amount that must remain, above 1 the multiple it may reach.
    fixed : mapping of str to float
        Part of a column's amount that stays, such as a fee.
    into : tuple of str
        Columns to which is added what the lever's first column loses, such as payments that lower a balance.
    """

    limit: float
    fixed: Mapping[str, float] = field(default_factory=dict)
    into: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choose:
    """Other values, the easiest to reach first.

    Parameters
    ----------
    values : tuple of bool, int, float or str
        A row whose value is among them can only reach those after it.
    replaces : tuple of the same
        The values that can be left; all where none are named.
    """

    values: tuple[Scalar, ...]
    replaces: tuple[Scalar, ...] = ()


@dataclass(frozen=True)
class Lever:
    """One thing an applicant can do.

    Parameters
    ----------
    name : str
        Unique in the portfolio.
    label : Label
        What is to be done.
    table : str
        Table whose rows it changes.
    columns : tuple of str
        Columns that move together; amounts are rounded by the first.
    move : Scale or Choose
        How they move.
    where : mapping of str to bool, int, float or str
        Values that other columns of a row must have for it to move.
    keeps : tuple of str
        Features that must come out as they were: what the lender would not change with it, such as a tariff.
    """

    name: str
    label: Label
    table: str
    columns: tuple[str, ...]
    move: Scale | Choose
    where: Mapping[str, Scalar] = field(default_factory=dict)
    keeps: tuple[str, ...] = ()

    @property
    def moved(self) -> tuple[str, ...]:
        """Every column that it changes."""
        return (*self.columns, *(self.move.into if isinstance(self.move, Scale) else ()))


@dataclass(frozen=True)
class RecourseSpec:
    """What applicants can change, and how much of it is offered to them.

    Parameters
    ----------
    levers : tuple of Lever
        In the order of declaration.
    most_changes : int
        Levers that one option pulls at most.
    options : int
        Options that are offered at most.
    """

    levers: tuple[Lever, ...] = ()
    most_changes: int = 3
    options: int = 3


class LeverSection(Section):
    """One lever as written."""

    label: LabelSpec
    table: str = _ROOT
    columns: tuple[ColumnName, ...] = Field(min_length=1)
    where: Mapping[ColumnName, Scalar] = {}
    direction: Literal["increase", "decrease"] | None = None
    limit: Limit | None = None
    fixed: Mapping[ColumnName, Amount] = {}
    into: tuple[ColumnName, ...] = ()
    to: tuple[Scalar, ...] = ()
    replaces: tuple[Scalar, ...] = ()
    keeps: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way_to_move(self) -> LeverSection:
        if bool(self.to) == (self.direction is not None) or (self.direction is None) != (self.limit is None):
            raise ValueError("states either `direction` and `limit`, or `to`")
        if self.to and (self.fixed or self.into):
            raise ValueError("sets values: `fixed` and `into` belong to amounts that move by a `direction`")
        if self.replaces and not self.to:
            raise ValueError("moves by a factor: `replaces` belongs to `to`")
        self._check_factor()
        return self

    def _check_factor(self) -> None:
        limit = 1.0 if self.limit is None else self.limit
        if self.direction == "decrease" and limit >= 1:
            raise ValueError(f"decreases: `limit` is the share that must remain, below 1, not {limit:g}")
        if self.direction == "increase" and limit <= 1:
            raise ValueError(f"increases: `limit` is the multiple that may be reached, above 1, not {limit:g}")
        if self.into and self.direction != "decrease":
            raise ValueError("only what decreases goes `into` other columns")
        strange = sorted(set(self.fixed) - set(self.columns))
        if strange:
            raise ValueError(f"fixes a part of {strange[0]!r}, which is not one of its columns")
        every = (*self.columns, *self.into)
        if len(set(every)) < len(every):
            raise ValueError("moves a column once, not twice")

    def check(self, place: str, barred: Collection[str], known: Mapping[str, Collection[Scalar]]) -> None:
        """Refuse a lever that nobody may pull: see `RecourseSection.check`."""
        moved = [column for column in (*self.columns, *self.into) if column in barred]
        if moved:
            raise ValueError(
                f"{place} may not move {self.table}.{moved[0]}: keys, dates, identifiers, the target, protected columns"
                " and those under `never` or `known_after` stay as they are"
            )
        asked = [column for column in self.where if column in barred]
        if asked:
            raise ValueError(f"{place}.where may not ask for {self.table}.{asked[0]}, which stays out of decisions")
        empty = [column for column in self.columns if set(self.to) & set(known.get(f"{self.table}.{column}", ()))]
        if empty:
            raise ValueError(f"{place}.to holds a sentinel of {empty[0]!r}, which means that nothing is known")

    def lever(self, name: str) -> Lever:
        """Return the same as a value."""
        scale = Scale(self.limit or 0.0, dict(self.fixed), self.into)
        move = Choose(self.to, self.replaces) if self.to else scale
        return Lever(name, self.label.label, self.table, self.columns, move, dict(self.where), self.keeps)


class RecourseSection(Section):
    """The section as written."""

    most_changes: int = Field(3, ge=1, le=4)
    options: int = Field(3, ge=1, le=10)
    levers: Mapping[Name, LeverSection] = Field(min_length=1, max_length=_MOST_LEVERS)

    def check(self, immutable: Mapping[str, Collection[str]], known: Mapping[str, Collection[Scalar]]) -> None:
        """Refuse levers that nobody may pull.

        Parameters
        ----------
        immutable : mapping of str to collection of str
            Columns that no lever may move, by table.
        known : mapping of str to collection
            Sentinels by ``"table.column"``: values that mean "missing".

        Raises
        ------
        ValueError
            The first lever that names no table, moves or asks for such a column, or sets such a value.
        """
        for name, lever in self.levers.items():
            if lever.table not in immutable:
                raise ValueError(f"recourse.levers.{name}.table names no table: {lever.table!r}")
            lever.check(f"recourse.levers.{name}", immutable[lever.table], known)

    @property
    def spec(self) -> RecourseSpec:
        """The same as a value."""
        levers = tuple(section.lever(name) for name, section in self.levers.items())
        return RecourseSpec(levers, self.most_changes, self.options)
