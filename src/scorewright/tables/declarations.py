"""The format of ``portfolio.toml``: every section, typed, with the rules that hold between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from scorewright.tables.lending import InputRules, Objective, PolicyRule, PolicySpec, Segment, Sense
from scorewright.tables.levers import RecourseSection
from scorewright.tables.problems import checked
from scorewright.tables.sections import Amount, ColumnName, LabelSpec, Name, Scalar
from scorewright.tables.sections import Section as _Declared
from scorewright.tables.types import ColumnType

__all__ = ["Document", "LabelSpec", "Name", "Scalar", "TableSpec", "TargetSpec", "parse_document"]

UnseenCategory = Literal["refuse", "null"]
Sql = Annotated[str, Field(min_length=1, max_length=4000)]

_ROOT = "application"


class TableSpec(_Declared):
    """One table: where it lies, how it hangs on its parent and what its columns may be used for."""

    train: str | None = None
    score: str | None = None
    key: ColumnName | None = None
    parent: str | None = None
    on: ColumnName | None = None
    optional: bool = False
    orphans: Literal["refuse", "drop"] = "refuse"
    date: str | None = None
    identifiers: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    known_after: tuple[str, ...] = ()
    sentinels: Mapping[str, tuple[Scalar, ...]] = {}
    types: Mapping[str, ColumnType] = {}
    categories: Mapping[str, tuple[str, ...]] = {}
    labels: Mapping[str, LabelSpec] = {}
    monotone: Mapping[str, Sense] = {}

    @property
    def declared_columns(self) -> tuple[str, ...]:
        """Columns the declaration names, which the table must therefore have."""
        named = [self.key, self.on, self.date, *self.identifiers, *self.protected, *self.never, *self.known_after]
        more = [*self.sentinels, *self.categories, *self.types, *self.monotone]
        return tuple(dict.fromkeys(name for name in [*named, *more] if name is not None))

    @model_validator(mode="after")
    def _ties_and_dates_are_known_before(self) -> TableSpec:
        found = sorted({self.key, self.on, self.date} & set(self.known_after), key=str)
        if found:
            raise ValueError(f"known_after cannot name a key or the date of the applications: {found[0]!r}")
        return self

    @property
    def aside(self) -> frozenset[str]:
        """Columns that are no features by themselves: keys, the date, identifiers and ``never``."""
        named = [self.key, self.on, self.date, *self.identifiers, *self.never]
        return frozenset(name for name in named if name is not None)

    @property
    def not_features(self) -> frozenset[str]:
        """Columns that ``*`` leaves out. SQL may yet name those known after the decision; the leak gate then asks."""
        return self.aside | frozenset(self.known_after)

    @property
    def unread(self) -> frozenset[str]:
        """Columns that feed nothing at all: neither a feature nor a measure of fairness."""
        return frozenset(self.never) - frozenset(self.protected)


class TargetSpec(_Declared):
    """The column to predict and the value that means "defaulted"."""

    column: str
    default: Scalar


class CostsSection(_Declared):
    """Constant costs of the two wrong decisions."""

    false_negative: float = Field(10.0, gt=0, allow_inf_nan=False)
    false_positive: float = Field(1.0, gt=0, allow_inf_nan=False)


class MoneySection(_Declared):
    """What a wrong decision costs on each loan."""

    exposure: Sql
    annuity: Sql | None = None
    lgd: float = Field(ge=0, le=1, allow_inf_nan=False)
    margin_rate: Amount
    recovery_cost: Amount = 0.0
    handling_cost: Amount = 0.0
    referral_cost: Amount = 0.0
    currency: str = ""


class RuleSection(_Declared):
    """A hard rule, apart from the model."""

    when: Sql
    outcome: Literal["refuse", "refer"]
    label: LabelSpec


class PolicySection(_Declared):
    """How PDs become outcomes."""

    version: str = Field(min_length=1, max_length=60)
    rule: Literal["threshold", "money"] = "threshold"
    refer_at_most: float | None = Field(None, gt=0, lt=1, allow_inf_nan=False)
    refer: Literal["interval"] | None = None
    rules: Mapping[Name, RuleSection] = {}

    @model_validator(mode="after")
    def _one_way_to_refer(self) -> PolicySection:
        if self.refer is not None and self.refer_at_most is not None:
            found = f"refer = {self.refer!r} and refer_at_most = {self.refer_at_most}"
            raise ValueError(f"has one way to refer, not two ({found}): keep one of them")
        return self

    @property
    def spec(self) -> PolicySpec:
        """The same as a value."""
        rules = tuple(PolicyRule(name, rule.when, rule.outcome, rule.label.label) for name, rule in self.rules.items())
        return PolicySpec(self.version, self.rule, self.refer_at_most, self.refer, rules)


class SegmentSection(_Declared):
    """A division of the applications that reports go by."""

    value: Sql
    label: LabelSpec


class InputsSection(_Declared):
    """What an application must bring."""

    coverage: float = Field(0.0, ge=0, le=1, allow_inf_nan=False)
    ranges: Literal["warn", "refuse"] = "warn"

    @property
    def rules(self) -> InputRules:
        """The same as a value."""
        return InputRules(self.coverage, self.ranges)


class TuningSection(_Declared):
    """What tuning looks for."""

    objective: Objective = "auc"


class AboutSection(_Declared):
    """Which portfolio this is."""

    name: Name
    label: LabelSpec
    unseen_category: UnseenCategory = "refuse"


class Document(_Declared):
    """The whole file."""

    portfolio: AboutSection
    target: TargetSpec
    costs: CostsSection = CostsSection()
    money: MoneySection | None = None
    inputs: InputsSection = InputsSection()
    policy: PolicySection | None = None
    segments: Mapping[Name, SegmentSection] = {}
    tuning: TuningSection = TuningSection()
    recourse: RecourseSection | None = None
    tables: Mapping[Name, TableSpec]

    @model_validator(mode="after")
    def _tables_hang_together(self) -> Document:
        roots = [name for name, table in self.tables.items() if table.parent is None]
        if roots != [_ROOT]:
            raise ValueError(f"exactly one table, called {_ROOT!r}, has no parent, not {roots}")
        root = self.tables[_ROOT]
        if root.on is not None or root.optional:
            raise ValueError("tables.application has no parent: `on` and `optional` have no meaning there")
        if self.target.column in root.not_features:
            kinds = "a key, a date, an identifier, `never` or `known_after`"
            raise ValueError(f"target.column cannot be {kinds}: {self.target.column!r}")
        for name, table in self.tables.items():
            if table.parent is not None:
                self._check_parent(name, table)
        return self

    def _check_parent(self, name: str, table: TableSpec) -> None:
        parent = self.tables.get(table.parent or "")
        if parent is None:
            raise ValueError(f"tables.{name}.parent names no table: {table.parent!r}")
        if table.on is None or parent.key != table.on:
            raise ValueError(f"tables.{name}.on must be the key of {table.parent!r} ({parent.key!r}), not {table.on!r}")
        seen = {name}
        while parent is not None and parent.parent is not None:
            if parent.parent in seen:
                raise ValueError(f"tables.{name}.parent leads back to itself")
            seen.add(parent.parent)
            parent = self.tables.get(parent.parent)

    @model_validator(mode="after")
    def _monotone_columns_may_feed_features(self) -> Document:
        for name, table in self.tables.items():
            if table.monotone and name != _ROOT:
                raise ValueError(f"tables.{name}.monotone has no meaning: only columns of {_ROOT!r} may be declared")
            barred = table.aside | {self.target.column}
            for column in table.monotone:
                if column in barred:
                    raise ValueError(f"tables.{name}.monotone.{column} can feed no feature: remove it")
        return self

    @model_validator(mode="after")
    def _money_decides_where_it_is_stated(self) -> Document:
        if self.policy is not None and self.policy.rule == "money" and self.money is None:
            raise ValueError(
                "policy.rule = 'money' needs a [money] section: state exposure, lgd and margin_rate, "
                "or decide by 'threshold'"
            )
        return self

    @model_validator(mode="after")
    def _levers_move_what_may_change(self) -> Document:
        if self.recourse is not None:
            stay = {name: table.not_features | frozenset(table.protected) for name, table in self.tables.items()}
            stay[_ROOT] |= {self.target.column}
            sentinels = {
                f"{name}.{column}": values
                for name, table in self.tables.items()
                for column, values in table.sentinels.items()
            }
            self.recourse.check(stay, sentinels)
        return self

    @property
    def segment_list(self) -> tuple[Segment, ...]:
        """Segments as values, in the order of declaration."""
        return tuple(Segment(name, each.value, each.label.label) for name, each in self.segments.items())


def parse_document(text: bytes, place: str) -> Document:
    """Read and check ``portfolio.toml``.

    Raises
    ------
    PortfolioError
        It is no TOML, or breaks rules of the format; all of them in one message.
    """
    return checked(Document, text, place)
