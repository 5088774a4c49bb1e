"""Exit codes: what a script can tell from a verb that failed."""

from __future__ import annotations

from scorewright import errors

#: Each class covers its subclasses; the nearest one counts.
EXIT_CODES: dict[type[errors.ScorewrightError], int] = {
    errors.ScorewrightError: 1,
    errors.SettingsError: 3,
    errors.PortfolioError: 4,
    errors.DataError: 5,
    errors.TrainingError: 6,
    errors.BundleError: 7,
    errors.RegistryError: 8,
    errors.OutputError: 9,
    errors.RequestError: 10,
    errors.ServiceError: 11,
    errors.LedgerError: 12,
}

#: ``scorewright drift`` found that the applications have changed. Not an error, but a script must see it.
DRIFTED = 20

#: Stopped by Ctrl-C, as shells count it.
INTERRUPTED = 130


def exit_code(error: errors.ScorewrightError) -> int:
    """Map an error to the exit code of its nearest class.

    Examples
    --------
    >>> exit_code(errors.TargetError("rule", "value", "remedy"))
    5
    """
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
