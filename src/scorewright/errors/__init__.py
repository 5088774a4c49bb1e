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
    |  |- RangesError              data-ranges
    |  |- CoverageError            data-coverage
    |  |- UnknownClientError       data-unknown-client
    |  |- NoStoreError             data-no-store
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
    |  |- ReplayDifferenceError    ledger-replay-difference
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

from scorewright.errors.data import (
    AmountsError,
    ColumnsError,
    CoverageError,
    DataError,
    DuplicateKeysError,
    EmptyTableError,
    FeatureSqlError,
    NoStoreError,
    NotFiniteError,
    OrphanRowsError,
    PortfolioError,
    RangesError,
    StoreUnusableError,
    TableMissingError,
    TargetError,
    UnknownApplicationError,
    UnknownClientError,
    UnreadableFileError,
    UnseenCategoryError,
)
from scorewright.errors.ledger import (
    ForgottenError,
    IdempotencyConflictError,
    LedgerBusyError,
    LedgerError,
    LedgerTamperedError,
    LedgerUnavailableError,
    LedgerVersionError,
    ReplayDifferenceError,
    UnknownDecisionError,
)
from scorewright.errors.models import (
    AdditivityError,
    BundleCorruptError,
    BundleError,
    BundleProtocolError,
    LeakError,
    NoModelError,
    PromotionRefusedError,
    RegistryError,
    RegistryUnusableError,
    TrainingError,
)
from scorewright.errors.requests import (
    BodyNotArrowError,
    BodyNotJsonError,
    BodyShapeError,
    BodyTooLargeError,
    BodyTooSlowError,
    DeadlineError,
    OverloadedError,
    RequestError,
    ServiceError,
    StoppingError,
)
from scorewright.errors.root import (
    OutputError,
    ScorewrightError,
    SettingsError,
)

__all__ = [
    "AdditivityError",
    "AmountsError",
    "BodyNotArrowError",
    "BodyNotJsonError",
    "BodyShapeError",
    "BodyTooLargeError",
    "BodyTooSlowError",
    "BundleCorruptError",
    "BundleError",
    "BundleProtocolError",
    "ColumnsError",
    "CoverageError",
    "DataError",
    "DeadlineError",
    "DuplicateKeysError",
    "EmptyTableError",
    "FeatureSqlError",
    "ForgottenError",
    "IdempotencyConflictError",
    "LeakError",
    "LedgerBusyError",
    "LedgerError",
    "LedgerTamperedError",
    "LedgerUnavailableError",
    "LedgerVersionError",
    "NoModelError",
    "NoStoreError",
    "NotFiniteError",
    "OrphanRowsError",
    "OutputError",
    "OverloadedError",
    "PortfolioError",
    "PromotionRefusedError",
    "RangesError",
    "RegistryError",
    "RegistryUnusableError",
    "ReplayDifferenceError",
    "RequestError",
    "ScorewrightError",
    "ServiceError",
    "SettingsError",
    "StoppingError",
    "StoreUnusableError",
    "TableMissingError",
    "TargetError",
    "TrainingError",
    "UnknownApplicationError",
    "UnknownClientError",
    "UnknownDecisionError",
    "UnreadableFileError",
    "UnseenCategoryError",
]
