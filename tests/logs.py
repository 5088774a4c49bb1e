"""What is logged, in the lines of the service."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scorewright.serve.logs import Format, LineFormatter


@contextmanager
def logged(form: Format = "json", level: int = logging.DEBUG) -> Iterator[io.StringIO]:
    """Give what is logged meanwhile, by anyone, in the lines of the service."""
    said, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(said)
    handler.setFormatter(LineFormatter(form))
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def lines_of(log: io.StringIO) -> list[dict[str, Any]]:
    """Read what was logged as JSON."""
    return [json.loads(line) for line in log.getvalue().splitlines()]
