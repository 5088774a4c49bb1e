"""The contract: what training data looked like, sealed, so that later data can be held to it."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import cast

import polars as pl

from scorewright.errors import BundleCorruptError, ColumnsError
from scorewright.tables.portfolio import ROW_KEY, Portfolio
from scorewright.tables.types import COLUMN_TYPES, POLARS_TYPES, ColumnType, Tables, column_type

#: A text column with more different values than this is taken for free text or an identifier, not for categories.
MOST_CATEGORIES = 1000

#: A value that fewer rows share makes up no example: it could point at a person.
FEWEST_ROWS = 5

#: Of so few rows nobody can tell whether a text repeats.
_TOO_FEW_TO_TELL = 20


@dataclass(frozen=True)
class ColumnContract:
    """One column as training saw it.

    Parameters
    ----------
    type : ColumnType
        Storage type.
    nullable : bool
        Whether a value was ever missing.
    minimum, maximum : float or None
        Range of numbers, rounded outwards to two digits: no bound is one person's value. None for other types, keys
        and identifiers.
    categories : tuple of str
        Every value of a text column, sorted; empty where it is free text or an identifier.
    typical : float, str, bool or None
        Median or most common value, if enough rows share it; makes up examples.
    """

    type: ColumnType
    nullable: bool
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    typical: float | str | bool | None = None


@dataclass(frozen=True)
class Contract:
    """Columns by table; a table that was absent from training has no entry."""

    tables: Mapping[str, Mapping[str, ColumnContract]]

    def polars_schema(self, table: str) -> dict[str, pl.DataType]:
        """Storage types of a table's columns, in order."""
        return {name: POLARS_TYPES[column.type] for name, column in self.tables[table].items()}

    def to_json(self) -> bytes:
        """Write the contract; the same contract gives the same bytes."""
        tables = {table: {name: asdict(column) for name, column in cols.items()} for table, cols in self.tables.items()}
        return (json.dumps({"tables": tables}, indent=1, ensure_ascii=False) + "\n").encode()

    @staticmethod
    def from_json(text: bytes) -> Contract:
        """Read what `to_json` wrote.

        Raises
        ------
        BundleCorruptError
            The text is not a contract.
        """
        try:
            tables = json.loads(text)["tables"]
            return Contract(
                {table: {name: _column(fields) for name, fields in cols.items()} for table, cols in tables.items()}
            )
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            reason = type(error).__name__
            raise BundleCorruptError("contract.json must hold tables of columns.", reason, "Train again.") from None


def _column(fields: Mapping[str, object]) -> ColumnContract:
    if fields["type"] not in COLUMN_TYPES:
        raise ValueError(f"unknown type {fields['type']!r}")
    return ColumnContract(**{**fields, "categories": tuple(fields["categories"])})  # type: ignore[arg-type]


def storage_types(
    table: str, schema: pl.Schema, overrides: Mapping[str, ColumnType], unused: Collection[str] = ()
) -> dict[str, ColumnType]:
    """Choose the type of every column of a new table; unused columns of a type that is not read are left out.

    Raises
    ------
    ColumnsError
        A column has a type that Scorewright does not read.
    """
    types = {name: overrides.get(name) or column_type(dtype) for name, dtype in schema.items()}
    strange = {
        name: f"has the type {schema[name]}, which is not read"
        for name, found in types.items()
        if found is None and name not in unused
    }
    if strange:
        raise ColumnsError(table, mistyped=strange, hint="Leave these columns out or flatten them.")
    return {name: found for name, found in types.items() if found is not None}


def hardly_repeats(values: pl.Series, share: float = 0.5) -> bool:
    """Whether a text rather names persons than groups them: each value stands in too few of the rows that have one.

    Parameters
    ----------
    values : polars.Series
        The whole column.
    share : float
        More different values than this share of the filled rows are too many.
    """
    filled = values.drop_nulls()
    return len(values) > _TOO_FEW_TO_TELL and filled.n_unique() > share * len(filled)


def infer_contract(portfolio: Portfolio, tables: Tables) -> Contract:
    """Describe checked training tables (see `scorewright.tables.door`). The target is no part of the contract."""
    contract = {}
    for name, frame in tables.items():
        spec = portfolio.tables[name]
        private = {column for column in (spec.key, spec.on, *spec.identifiers) if column}
        added = {portfolio.target.column, *([] if spec.key else [ROW_KEY])} if name == portfolio.root else set()
        columns = [column for column in frame.columns if column not in added]
        contract[name] = {column: _describe(frame[column], private=column in private) for column in columns}
    return Contract(contract)


def _describe(column: pl.Series, *, private: bool) -> ColumnContract:
    kind = column_type(column.dtype)
    if kind is None:
        raise TypeError(f"{column.name} did not pass the door: {column.dtype}")
    nullable = column.null_count() > 0
    if private:
        return ColumnContract(kind, nullable)
    if kind in {"integer", "number"}:
        return _describe_numbers(column, kind, nullable=nullable)
    return _describe_values(column, kind, nullable=nullable)


def _describe_numbers(column: pl.Series, kind: ColumnType, *, nullable: bool) -> ColumnContract:
    values = column.drop_nulls()
    finite = values.filter(values.is_finite())
    middle = finite.quantile(0.5, "nearest")
    if middle is None:
        return ColumnContract(kind, nullable)
    typical = int(middle) if kind == "integer" else float(middle)
    low, high = cast("float", finite.min()), cast("float", finite.max())
    return ColumnContract(kind, nullable, _rounded(low, ROUND_FLOOR), _rounded(high, ROUND_CEILING), typical=typical)


def _rounded(bound: float, way: str) -> float:
    """Keep two digits of a number."""
    rounded = float(Context(prec=2, rounding=way).create_decimal(Decimal(repr(float(bound)))))
    return min(max(rounded, -sys.float_info.max), sys.float_info.max)


def _describe_values(column: pl.Series, kind: ColumnType, *, nullable: bool) -> ColumnContract:
    counts = (
        column.alias("value").drop_nulls().value_counts(name="rows").sort("rows", "value", descending=[True, False])
    )
    if counts.height > MOST_CATEGORIES or (kind == "text" and hardly_repeats(column)):
        return ColumnContract(kind, nullable)
    common = counts.filter(pl.col("rows") >= FEWEST_ROWS)["value"]
    typical = common[0] if len(common) else None
    if kind != "text":
        return ColumnContract(kind, nullable, typical=typical if kind == "boolean" else _iso(typical))
    return ColumnContract(kind, nullable, categories=tuple(sorted(counts["value"].to_list())), typical=typical)


def _iso(value: object) -> str | None:
    return None if value is None else str(value)
