"""What a registry promises, whatever keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from scorewright.domain.evaluation import CandidateRecord
from scorewright.domain.training import TrainingRecord
from scorewright.errors import NoModelError, SettingsError

_PORTFOLIO = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_ALIAS = re.compile(r"[a-z][a-z_-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ModelVersion:
    """One registered model of a portfolio.

    Parameters
    ----------
    portfolio : str
        Name of the portfolio it decides for.
    version : str
        "1", "2", ... in order of registration.
    bundle : str
        SHA-256 of the sealed bundle, in hexadecimal.
    candidate : str
        Name of the candidate it was.
    run : str
        Training it comes from, as `Registry.record` returned it.
    created : datetime
        When it was registered, in UTC.
    aliases : tuple of str
        Aliases it holds now, sorted.
    """

    portfolio: str
    version: str
    bundle: str
    candidate: str
    run: str
    created: datetime
    aliases: tuple[str, ...] = ()


class Registry(Protocol):
    """Keeps trainings and model versions.

    Readers may work beside one writer: each change appears whole or not at all. Two writers at the same time on the
    same portfolio are not guarded against each other. Any method raises ``RegistryUnusableError`` when what keeps the
    registry does not answer or was changed by another hand.
    """

    def record(self, training: TrainingRecord, bundles: Mapping[str, Path], pictures: bool = True) -> str:
        """Write a training down, with the bundle of each candidate that has one, and return its run.

        Parameters
        ----------
        training : TrainingRecord
            What was measured. A candidate whose bundle is given carries its SHA-256.
        bundles : mapping of str to Path
            Folder of the sealed bundle, by name of candidate.
        pictures : bool
            Whether to draw the curves too, where the registry keeps pictures.
        """
        ...

    def register(self, portfolio: str, candidate: str, run: str) -> ModelVersion:
        """Make the next version from a recorded candidate. Raises ``NoModelError`` if there is none, or no bundle."""
        ...

    def set_alias(self, portfolio: str, alias: str, version: str) -> None:
        """Give an alias to a version, and remember who held it.

        Giving it back to the holder before is a step back: the one before that is then the previous one, so that
        rolling back twice goes back twice. Raises ``NoModelError`` if there is no such version; the alias then stays.
        """
        ...

    def previous(self, portfolio: str, alias: str) -> str | None:
        """Return the version that held the alias before the one that holds it now, or None."""
        ...

    def version(self, portfolio: str, version_or_alias: str) -> ModelVersion:
        """Return one version by number or alias. Raises ``NoModelError``."""
        ...

    def versions(self, portfolio: str) -> tuple[ModelVersion, ...]:
        """Return every version of a portfolio, oldest first; empty when there is none."""
        ...

    def portfolios(self) -> tuple[str, ...]:
        """Return the names of the portfolios that have a training, sorted."""
        ...

    def latest(self, portfolio: str | None = None) -> TrainingRecord:
        """Return the training recorded last, of one portfolio or of all. Raises ``NoModelError`` if there is none."""
        ...

    def training(self, version: ModelVersion) -> TrainingRecord:
        """Return the training that a version comes from. Raises ``NoModelError`` if its record is gone."""
        ...

    def fetch(self, version: ModelVersion) -> Path:
        """Return a local folder that holds the bundle's bytes as recorded. Raises ``NoModelError`` if it is gone.

        The bytes are not checked here: opening a bundle verifies them.
        """
        ...


def check_portfolio(name: str) -> str:
    """Return a name that is safe as a folder and as an experiment. Raises ``SettingsError`` otherwise."""
    if _PORTFOLIO.fullmatch(name):
        return name
    raise SettingsError(
        "A portfolio's name must be letters, digits, dots, hyphens and underscores.",
        repr(name[:60]),
        "Rename it in portfolio.toml.",
    )


def check_alias(alias: str) -> str:
    """Return an alias that cannot be mistaken for a version. Raises ``SettingsError`` otherwise."""
    if _ALIAS.fullmatch(alias) and alias != "latest":
        return alias
    raise SettingsError(
        'An alias must be lower-case letters, hyphens and underscores, and not "latest".',
        repr(alias[:60]),
        'Use "champion" or "challenger".',
    )


def bundle_hash(candidate: CandidateRecord, folder: Path) -> str:
    """Return the SHA-256 under which a candidate's bundle is kept.

    Raises
    ------
    ValueError
        The record carries none, or there is no such folder: the caller forgot to seal the bundle first.
    """
    if not folder.is_dir():
        raise ValueError(f"the bundle of {candidate.name!r} must be a folder")
    if _HASH.fullmatch(candidate.bundle):
        return candidate.bundle
    raise ValueError(f"the record of {candidate.name!r} must carry the SHA-256 of its bundle, not {candidate.bundle!r}")


def no_training(portfolio: str | None) -> NoModelError:
    """Say that nothing was trained yet."""
    of = f" of {portfolio!r}" if portfolio else ""
    return NoModelError(f"A training{of} must have been recorded.", "none", "Train first: scorewright train.")


def no_candidate(candidate: str, run: str) -> NoModelError:
    """Say that a run holds no such candidate with a bundle."""
    return NoModelError(
        "Only a candidate that was recorded with its bundle can be registered.",
        f"no bundle of {candidate!r} in the training {run!r}",
        "Choose one of the candidates of a recorded training.",
    )


def no_version(portfolio: str, asked: str, known: Iterable[str]) -> NoModelError:
    """Say that a version or alias is unknown, and which ones are known."""
    names = ", ".join(known)
    return NoModelError(
        f"The model of {portfolio!r} asked for must be registered.",
        f"no version or alias {asked!r}",
        f"Choose one of: {names}." if names else "Train a model first: scorewright train.",
    )


def no_record(portfolio: str) -> NoModelError:
    """Say that the file of a recorded training is no longer where it was written."""
    return NoModelError(
        f"The training of {portfolio!r} must be where it was recorded.",
        "its file is gone",
        "Restore the registry's files from a backup, or train again: scorewright train.",
    )


def no_folder(version: ModelVersion) -> NoModelError:
    """Say that the bundle of a version is no longer where it was recorded."""
    return NoModelError(
        f"The bundle of version {version.version} of {version.portfolio!r} must be where it was recorded.",
        f"no bundle {version.bundle[:12]} in the registry",
        "Restore the registry's files from a backup, or choose another version.",
    )
