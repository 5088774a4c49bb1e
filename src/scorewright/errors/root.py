"""The root of the errors, and what is wrong with what surrounds a run."""

from __future__ import annotations

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


class OutputError(ScorewrightError):
    """A file or folder to be written exists already or cannot be written."""

    code = "output-unwritable"
