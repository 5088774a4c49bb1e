"""Every error a person can cause, in one tree.

.. code-block:: text

    ScorewrightError
    |- SettingsError               settings-invalid
    |- PortfolioError              portfolio-invalid
    |  `- FeatureSqlError          feature-sql-invalid
    |- DataError
    |  |- UnreadableFileError      data-unreadable
    |  |- TableMissingError        data-table-missing
    |  |- EmptyTableError          data-table-empty
    |  |- ColumnsError             data-columns
    |  |- TargetError              data-target
    |  |- DuplicateKeysError       data-duplicate-keys
    |  |- OrphanRowsError          data-orphan-rows
    |  |- NotFiniteError           data-not-finite
    |  |- AmountsError             data-amounts
    |  |- UnseenCategoryError      data-unseen-category
    |  `- UnknownApplicationError  data-unknown-application
    |- TrainingError               training-impossible
    |  `- LeakError                training-leak
    |- BundleError
    |  |- AdditivityError          bundle-not-additive
    |  |- BundleCorruptError       bundle-corrupt
    |  `- BundleProtocolError      bundle-protocol
    |- RegistryError
    |  |- NoModelError             registry-no-model
    |  |- RegistryUnusableError    registry-unusable
    |  `- PromotionRefusedError    registry-promotion-refused
    |- OutputError                 output-unwritable
    `- RequestError
       |- BodyTooLargeError        request-too-large
       |- BodyNotJsonError         request-not-json
       `- BodyShapeError           request-shape

Each states the rule, the value that broke it and the remedy, and carries a code that never changes meaning. Outer rooms
map classes to exit codes and HTTP statuses; a test proves both maps total. No message holds a value of another
applicant's row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class ScorewrightError(Exception):
    """A broken rule, said once and clearly.

    Parameters
    ----------
    rule : str
        What must hold, as a sentence.
    value : str
        What was found instead.
    remedy : str
        What the reader can do about it, as a sentence.
    """

    code: ClassVar[str] = "error"

    def __init__(self, rule: str, value: str, remedy: str) -> None:
        self.rule = rule
        self.value = value
        self.remedy = remedy
        super().__init__(f"{rule} Found: {value}. {remedy}")


class SettingsError(ScorewrightError):
    """A setting or an argument has a value that cannot be used."""

    code = "settings-invalid"


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


class TrainingError(ScorewrightError):
    """The data are readable but nothing can be learnt from them as asked."""

    code = "training-impossible"


class LeakError(TrainingError):
    """Training data tell what will not be known when an application is scored."""

    code = "training-leak"


class BundleError(ScorewrightError):
    """A bundle cannot be used."""


class AdditivityError(BundleError):
    """The contributions of a decision do not add up to its score."""

    code = "bundle-not-additive"

    def __init__(self, scale: str, rows: int, gap: float) -> None:
        super().__init__(
            f"Contributions add up to the {scale} that they explain.",
            f"{rows} that {'does' if rows == 1 else 'do'} not, the furthest by {gap:.3g}",
            "Restore the bundle from its source; if it is whole, its model cannot be explained: train again.",
        )


class BundleCorruptError(BundleError):
    """A bundle's bytes are not those that were sealed."""

    code = "bundle-corrupt"


class BundleProtocolError(BundleError):
    """A bundle was sealed under a protocol this version does not read."""

    code = "bundle-protocol"


class RegistryError(ScorewrightError):
    """The registry has no answer, or refuses the change."""


class NoModelError(RegistryError):
    """No such model version or alias."""

    code = "registry-no-model"


class RegistryUnusableError(RegistryError):
    """The registry does not answer, cannot be written, or holds what it did not write."""

    code = "registry-unusable"

    def __init__(self, value: str) -> None:
        super().__init__(
            "The registry must answer, be writable and hold only what was recorded in it.",
            value,
            "Check its server, space and permissions, or restore it from a backup.",
        )


class PromotionRefusedError(RegistryError):
    """The challenger did not pass the comparison with the champion."""

    code = "registry-promotion-refused"


class OutputError(ScorewrightError):
    """A file or folder to be written exists already or cannot be written."""

    code = "output-unwritable"


class RequestError(ScorewrightError):
    """A request to the service cannot be read."""


class BodyTooLargeError(RequestError):
    """The body is larger than the service accepts."""

    code = "request-too-large"


class BodyNotJsonError(RequestError):
    """The body is not JSON."""

    code = "request-not-json"


class BodyShapeError(RequestError):
    """The body is JSON of the wrong shape."""

    code = "request-shape"
