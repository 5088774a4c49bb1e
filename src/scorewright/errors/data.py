"""What is wrong with a portfolio or with data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scorewright.errors.root import ScorewrightError


class PortfolioError(ScorewrightError):
    """A portfolio is absent, misspelt or contradicts itself."""

    code = "portfolio-invalid"


class FeatureSqlError(PortfolioError):
    """A feature file holds SQL that Scorewright does not run.

    The place (file and line) opens the message, as compilers do.
    """

    code = "feature-sql-invalid"

    def __init__(self, place: str, rule: str, value: str, remedy: str) -> None:
        self.place = place
        super().__init__(f"{place}: {rule}", value, remedy)


class DataError(ScorewrightError):
    """The tables do not hold what the portfolio or the contract promises."""


class UnreadableFileError(DataError):
    """A file is corrupt, cut short or in a format that is not read."""

    code = "data-unreadable"

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(
            "Every data file must be whole CSV (plain or zipped) or Parquet.",
            f"{file}: {reason}",
            "Check the path, or export the file again: comma-separated and UTF-8, or Parquet.",
        )


class TableMissingError(DataError):
    """A table that is not optional has no file."""

    code = "data-table-missing"

    def __init__(self, table: str, looked_for: Sequence[str], folder: str) -> None:
        super().__init__(
            f"The table {table!r} is required.",
            f"none of {', '.join(looked_for)} in {folder}",
            "Add the file, or point --data at the folder that holds it.",
        )


class EmptyTableError(DataError):
    """A required table has no rows."""

    code = "data-table-empty"

    def __init__(self, table: str) -> None:
        super().__init__(
            f"The table {table!r} needs at least one row.",
            "0 rows",
            "Check the export that wrote it.",
        )


class ColumnsError(DataError):
    """Columns are missing, unknown or mistyped: all of them in one message."""

    code = "data-columns"

    def __init__(
        self,
        table: str,
        missing: Sequence[str] = (),
        unknown: Sequence[str] = (),
        mistyped: Mapping[str, str] | None = None,
        hint: str = "",
    ) -> None:
        self.table = table
        self.missing = tuple(missing)
        self.unknown = tuple(unknown)
        self.mistyped = dict(mistyped or {})
        parts = []
        if self.missing:
            parts.append(f"missing {', '.join(self.missing)}")
        if self.unknown:
            names = [name[:60] for name in self.unknown[:5]]
            parts.append(f"unknown {', '.join([*names, '...'] if len(self.unknown) > 5 else names)}")
        parts += [f"{name} {problem}" for name, problem in self.mistyped.items()]
        super().__init__(
            f"The columns of {table!r} must be those of the contract.",
            "; ".join(parts),
            hint or "Rename or convert the columns, or train again on the new layout.",
        )


class TargetError(DataError):
    """The target is absent, constant or not binary."""

    code = "data-target"


class DuplicateKeysError(DataError):
    """A key that must be unique repeats."""

    code = "data-duplicate-keys"

    def __init__(self, table: str, key: str, repeated: int) -> None:
        super().__init__(
            f"Each value of {table}.{key} must appear once.",
            f"{repeated} repeated or empty {'key' if repeated == 1 else 'keys'}",
            "Remove the duplicates, or declare the right key in portfolio.toml.",
        )


class OrphanRowsError(DataError):
    """History rows point at no row of their parent table."""

    code = "data-orphan-rows"

    def __init__(self, table: str, parent: str, on: str, rows: int) -> None:
        super().__init__(
            f"Each row of {table!r} must belong to a row of {parent!r} by {on}.",
            f"{rows} {'row belongs' if rows == 1 else 'rows belong'} to none",
            f'Add the missing rows of {parent!r}, or set orphans = "drop" for {table!r} in portfolio.toml.',
        )


class NotFiniteError(DataError):
    """A column holds infinite numbers."""

    code = "data-not-finite"

    def __init__(self, table: str, column: str, rows: int) -> None:
        super().__init__(
            f"Numbers in {table}.{column} must be finite.",
            f"infinity in {rows} {'row' if rows == 1 else 'rows'}",
            "Leave the value empty when it is not known.",
        )


class AmountsError(DataError):
    """An amount of a loan is negative, infinite or never known."""

    code = "data-amounts"


class UnseenCategoryError(DataError):
    """A category that the model never saw in training."""

    code = "data-unseen-category"

    def __init__(self, column: str, unseen: Sequence[str], known: Sequence[str], rows: int) -> None:
        shown = ", ".join(repr(value[:40]) for value in unseen[:5])
        super().__init__(
            f"Categories of {column} must have been seen in training ({', '.join(known[:12])}"
            f"{', ...' if len(known) > 12 else ''}).",
            f"{shown} in {rows} {'row' if rows == 1 else 'rows'}",
            "Correct the value, leave it empty, train again, or declare it under `categories` in portfolio.toml.",
        )


class UnknownApplicationError(DataError):
    """The application asked for is not in the data."""

    code = "data-unknown-application"


class StoreUnusableError(DataError):
    """A client store is absent, damaged, of another portfolio or of a protocol this version does not read."""

    code = "data-store-unusable"

    def __init__(self, value: str) -> None:
        super().__init__(
            "A client store must be whole, as it was built, and of a protocol that this version reads.",
            value,
            "Build it again with `scorewright store build`.",
        )


class RangesError(DataError):
    """Numbers lie outside the ranges of training, and the portfolio refuses those."""

    code = "data-ranges"

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        super().__init__(
            f"Numbers of {table!r} must lie in the ranges that training saw.",
            f"outside of them: {', '.join(columns)}",
            "Correct the values; /v1/schema states the ranges. The portfolio may warn instead of refusing.",
        )


class CoverageError(DataError):
    """Too few of the inputs that the model reads are present."""

    code = "data-coverage"

    def __init__(self, coverage: float, floor: float) -> None:
        super().__init__(
            f"At least {floor:.0%} of the inputs that the model reads must be present.",
            f"{coverage:.1%}",
            "Send what is missing; where it is not known, decide without the model.",
        )


class UnknownClientError(DataError):
    """The client store holds no such client."""

    code = "data-unknown-client"

    def __init__(self) -> None:
        super().__init__(
            "The client must be in the client store.",
            "a client that is not",
            "Check the id, or post the application with its rows.",
        )


class NoStoreError(DataError):
    """Something is asked of a client store, and the service has none."""

    code = "data-no-store"

    def __init__(self) -> None:
        super().__init__(
            "Clients are looked up in a client store.",
            "a service without one",
            "Post the application with its rows, or ask the operator for a client store.",
        )
