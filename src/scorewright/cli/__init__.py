"""The command line: verbs, progress, exit codes. Nothing is decided here."""

from __future__ import annotations


def main() -> None:
    """Run ``scorewright``."""
    from scorewright.cli.app import run

    run()
