"""Searches on disk, so that one that was killed goes on where it was.

A study is a file of optuna's journal format, which its own tools open: a line for each trial that ended, written
before the next one begins. A trial that was cut short leaves no line, and is proposed again with the same parameters.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from scorewright.errors import OutputError, SettingsError
from scorewright.models.search import Attempt, frozen, search_space, thawed

if TYPE_CHECKING:
    import optuna
    from numpy.typing import NDArray

    from scorewright.models.cross_validation import Lesson
    from scorewright.models.seam import Candidate

PROTOCOL = 1
_IDENTITY = "scorewright.identity"
_LIBRARIES = ("scorewright", "lightgbm", "numpy", "optuna", "scikit-learn")
_FIRST_OF_LINE = b'{"op_code":'
_SCRIBBLED = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class Store:
    """Where studies are kept.

    Parameters
    ----------
    folder : Path
        Made when needed; a file for each study.
    identity : mapping
        What decides a study's result beyond candidate, search space, lesson, batches and versions of libraries, which
        `tune` knows: the costs of the objective, say. Of what JSON holds.
    """

    folder: Path
    identity: Mapping[str, object] = field(default_factory=dict)


class Journal:
    """The trials of one study that ended.

    Parameters
    ----------
    attempts : mapping of int to Attempt
        Those found, by number.
    file : Path or None
        Where further ones are written; None: nowhere.
    study : Study or None
        The same as optuna opened it.
    """

    def __init__(
        self, attempts: Mapping[int, Attempt] | None = None, file: Path | None = None, study: optuna.Study | None = None
    ) -> None:
        self.attempts = dict(attempts or {})
        self._file = file
        self._study = study

    def keep(self, attempt: Attempt) -> None:
        """Write an attempt down before anything else happens. Raises ``OutputError``."""
        if self._study is not None and self._file is not None:
            with _writable(self._file):
                self._study.add_trial(frozen(attempt))
        self.attempts[attempt.number] = attempt


def identity(candidate: Candidate, lesson: Lesson, workers: int, objective: str) -> dict[str, object]:
    """Gather what decides the result of a search, as JSON holds it."""
    return {
        "protocol": PROTOCOL,
        "candidate": candidate.name,
        "defaults": candidate.defaults(),
        "space": search_space(candidate),
        "objective": objective,
        "lesson": _fingerprint(lesson),
        "seed": lesson.seed,
        "workers": workers,
        "versions": {name: version(name) for name in _LIBRARIES},
    }


@contextmanager
def opened(store: Store | None, known: Mapping[str, object]) -> Iterator[Journal]:
    """Open the study of that identity, or begin it; nobody else may have it open until the block ends.

    Raises
    ------
    SettingsError
        It is open elsewhere, or its file does not hold what was written.
    OutputError
        It cannot be written.
    """
    if store is None:
        yield Journal()
        return
    everything = json.loads(json.dumps({**known, "further": dict(store.identity)}, sort_keys=True))
    digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    name = f"{known['candidate']}-{digest[:24]}"
    file = store.folder / f"{name}.journal"
    with _writable(file):
        store.folder.mkdir(parents=True, exist_ok=True)
        held = file.open("a+b")
    with held:
        _lock(held, file)
        _mend(held, file)
        yield _read(file, name, everything)


class _Held:
    """Stands for optuna's own lock, which a killed process leaves behind: the file is locked already."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def _fingerprint(lesson: Lesson) -> str:
    found = hashlib.sha256(repr(lesson.matrix.columns).encode())
    arrays: tuple[NDArray[Any], ...] = (lesson.matrix.values, lesson.target, lesson.fold_of_row, *lesson.kept)
    for array in arrays:
        found.update(f"{array.shape} {array.dtype.str}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _lock(held: IO[bytes], file: Path) -> None:
    """Lock a file for as long as it is open, even if the process is killed."""
    import fcntl

    with _writable(file):
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                "A study may be searched by one training at a time.",
                f"{file} is in use",
                "Wait for the other training to end, or train with another seed.",
            ) from None


def _mend(held: IO[bytes], file: Path) -> None:
    """Cut off a line that was being written when its writer was killed. What is no journal is left as it is."""
    with _writable(file):
        held.seek(0)
        content = held.read()
        if any(line[: len(_FIRST_OF_LINE)] != _FIRST_OF_LINE[: len(line)] for line in content.split(b"\n")):
            raise _corrupt(file)
        held.truncate(content.rfind(b"\n") + 1)


def _read(file: Path, name: str, known: Mapping[str, Any]) -> Journal:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with _writable(file):
            storage = JournalStorage(JournalFileBackend(str(file), lock_obj=_Held()))  # type: ignore[arg-type]
            # Asked for "load if exists", optuna would write the attempt to create it to the file.
            begin = optuna.load_study if file.stat().st_size else optuna.create_study
            study = begin(study_name=name, storage=storage)
            if not study.user_attrs:
                study.set_user_attr(_IDENTITY, known)
            attempts = [thawed(trial) for trial in study.get_trials(deepcopy=False)]
    except (*_SCRIBBLED, optuna.exceptions.OptunaError) as error:
        raise _corrupt(file) from error
    if study.user_attrs.get(_IDENTITY) != known or not _without_gaps(attempts, int(known["workers"])):
        raise _corrupt(file)
    return Journal({attempt.number: attempt for attempt in attempts}, file, study)


def _without_gaps(attempts: Sequence[Attempt], workers: int) -> bool:
    """Whether each number is there once, and all of the batches before the last."""
    numbers = {attempt.number for attempt in attempts}
    before_last = range(max(numbers, default=0) // workers * workers)
    return len(numbers) == len(attempts) and numbers.issuperset(before_last)


def _corrupt(file: Path) -> SettingsError:
    return SettingsError(
        "A study must hold what tuning wrote to it.",
        f"{file} was changed or damaged",
        "Restore it from a backup, or remove it: the search then starts again.",
    )


@contextmanager
def _writable(file: Path) -> Iterator[Any]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            "The folder of the studies must be writable.",
            f"{file}: {error.strerror or type(error).__name__}",
            "Check space and permissions, or choose another folder.",
        ) from None
