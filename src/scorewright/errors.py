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
    |  |- StoreUnusableError       data-store-unusable
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
    |- LedgerError
    |  |- ForgottenError           ledger-forgotten
    |  |- IdempotencyConflictError ledger-idempotency-conflict
    |  |- LedgerBusyError          ledger-busy
    |  |- LedgerTamperedError      ledger-tampered
    |  |- LedgerUnavailableError   ledger-unavailable
    |  |- LedgerVersionError       ledger-version
    |  `- UnknownDecisionError     ledger-unknown-decision
    |- OutputError                 output-unwritable
    |- ServiceError
    |  |- OverloadedError          service-overloaded
    |  |- StoppingError            service-stopping
    |  `- DeadlineError            service-deadline
    `- RequestError
       |- BodyTooLargeError        request-too-large
       |- BodyTooSlowError         request-too-slow
       |- BodyNotJsonError         request-not-json
       |- BodyNotArrowError        request-not-arrow
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


class StoreUnusableError(DataError):
    """A client store is absent, damaged, of another portfolio or of a protocol this version does not read."""

    code = "data-store-unusable"

    def __init__(self, value: str) -> None:
        super().__init__(
            "A client store must be whole, as it was built, and of a protocol that this version reads.",
            value,
            "Build it again with `scorewright store build`.",
        )


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


class LedgerError(ScorewrightError):
    """The ledger has no answer, or did not record what it was given."""


class LedgerUnavailableError(LedgerError):
    """The ledger cannot be read or written: nothing of what was to be appended is promised."""

    code = "ledger-unavailable"

    def __init__(self, value: str) -> None:
        super().__init__(
            "What is decided is recorded before it is answered, so the ledger must be writable.",
            value,
            "Check the database's server, space, locks and permissions; repeat the request with its idempotency key.",
        )


class LedgerBusyError(LedgerError):
    """More waits to be recorded than the ledger accepts at a time."""

    code = "ledger-busy"

    def __init__(self, waiting: int) -> None:
        super().__init__(
            f"No more than {waiting} {'entry waits' if waiting == 1 else 'entries wait'} to be recorded.",
            "one more",
            "Send it again in a moment.",
        )


class LedgerVersionError(LedgerError):
    """The ledger's tables have the layout of another version of Scorewright."""

    code = "ledger-version"


class LedgerTamperedError(LedgerError):
    """The ledger was changed by another hand, or is read with another secret than it was written with."""

    code = "ledger-tampered"

    def __init__(self, sequence: int, what: str) -> None:
        self.sequence = sequence
        super().__init__(
            "Every row of the ledger must be as it was appended, under the secret that the ledger is given.",
            f"at row {sequence}: {what}",
            "Check the secret; if it is right, keep the database as evidence and restore a backup that verifies.",
        )


class IdempotencyConflictError(LedgerError):
    """An idempotency key comes back with another request."""

    code = "ledger-idempotency-conflict"

    def __init__(self) -> None:
        super().__init__(
            "An idempotency key stands for one request of its caller.",
            "a key that another request has used",
            "Repeat the very same body, or send a new key.",
        )


class UnknownDecisionError(LedgerError):
    """No decision of that id is recorded."""

    code = "ledger-unknown-decision"

    def __init__(self, decision: str) -> None:
        super().__init__(
            "The decision must be recorded in the ledger.",
            f"none with the id {decision[:40]!r}",
            "Check the id; it was answered with the decision.",
        )


class ForgottenError(LedgerError):
    """The client of a decision was forgotten: what the decision was made from can no longer be read."""

    code = "ledger-forgotten"

    def __init__(self, decision: str) -> None:
        super().__init__(
            "The inputs of a decision can be read until its client is forgotten.",
            f"a forgotten client, in decision {decision[:40]!r}",
            "Nothing brings them back; the decision's PD, outcome and model stay readable.",
        )


class OutputError(ScorewrightError):
    """A file or folder to be written exists already or cannot be written."""

    code = "output-unwritable"


class ServiceError(ScorewrightError):
    """The service does not answer this request now, and nothing was decided for it that its caller was told.

    Parameters
    ----------
    retry_after : int
        Seconds after which asking again makes sense.
    """

    retry_after: int = 1

    def __init__(self, rule: str, value: str, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(rule, value, f"Ask again in {retry_after} {'second' if retry_after == 1 else 'seconds'}.")


class OverloadedError(ServiceError):
    """More requests wait than the service lets wait."""

    code = "service-overloaded"


class StoppingError(ServiceError):
    """The service is being stopped and takes no more requests."""

    code = "service-stopping"


class DeadlineError(ServiceError):
    """The answer was not ready in the time that a request may take."""

    code = "service-deadline"


class RequestError(ScorewrightError):
    """A request to the service cannot be read."""


class BodyTooLargeError(RequestError):
    """The body is larger than the service accepts."""

    code = "request-too-large"


class BodyTooSlowError(RequestError):
    """The body arrives more slowly than the service waits."""

    code = "request-too-slow"


class BodyNotJsonError(RequestError):
    """The body is not JSON."""

    code = "request-not-json"


class BodyNotArrowError(RequestError):
    """The body is not a stream of Arrow record batches that can be read safely."""

    code = "request-not-arrow"


class BodyShapeError(RequestError):
    """The body is JSON of the wrong shape."""

    code = "request-shape"
