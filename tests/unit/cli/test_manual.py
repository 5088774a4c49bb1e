from __future__ import annotations

from scorewright.cli.manual import manual


def test_the_lines_of_a_paragraph_are_joined() -> None:
    def verb() -> None:
        """Do it.

        Long work
        shows progress.
        """

    assert manual(verb) == "Do it.\n\nLong work shows progress."
