from __future__ import annotations

from collections.abc import Iterator

import pytest

from scorewright import errors
from scorewright.cli.exits import DRIFTED, EXIT_CODES, exit_code


def subclasses(kind: type[errors.ScorewrightError]) -> Iterator[type[errors.ScorewrightError]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


@pytest.mark.parametrize("kind", sorted(set(subclasses(errors.ScorewrightError)), key=lambda kind: kind.__name__))
def test_every_error_has_an_exit_code_of_its_own_branch(kind: type[errors.ScorewrightError]) -> None:
    error = kind.__new__(kind)
    assert exit_code(error) not in {0, 1, 2, DRIFTED}


def test_codes_tell_branches_apart() -> None:
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
