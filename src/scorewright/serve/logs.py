"""Log lines that cannot hold personal data, and the ids by which those of one request are found.

A line is a list of what may be told, not of what may not: it has the fields of `FIELDS` and no others, its text is the
one written in the source, never what was put into it, and an error is told by class and place.
"""

from __future__ import annotations

import json
import logging
import random
import re
import traceback
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

Format = Literal["json", "plain"]

#: All that a log line may hold, in its order. Whatever else a record carries is passed over.
FIELDS = (
    *("request_id", "method", "route", "status", "ms", "caller", "code", "reason", "error", "outcome", "step"),
    *("slot", "version", "bundle", "attempts", "worker", "seconds"),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LONGEST = 500
LONGEST_TRACE = 2000
PLACES = 6
NO_ROUTE = "(no route)"
OTHER = "(other)"

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
#: Seeded by the system. Nothing depends on nobody guessing the id of a request.
_DRAWN = random.Random()  # noqa: S311
_OWN = ("scorewright", "uvicorn")

#: The request being answered, for whatever is logged on its behalf.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def accepted_request_id(offered: str | None) -> str:
    """Return the caller's own id of a request if it is a UUID, and a new one otherwise.

    Only a UUID, in its canonical form: another text could name a person, and would then stand in every log.

    Examples
    --------
    >>> accepted_request_id("6BA7B8109DAD11D180B400C04FD430C8")
    '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
    >>> accepted_request_id("Martin, 12 May") == accepted_request_id("Martin, 12 May")
    False
    """
    if offered and _UUID.fullmatch(offered):
        return str(uuid.UUID(offered))
    drawn = f"{_DRAWN.getrandbits(122):032x}"
    # Version 4 of RFC 9562, around the digits that say so.
    return f"{drawn[24:]}-{drawn[20:24]}-4{drawn[17:20]}-{'89ab'[int(drawn[1])]}{drawn[14:17]}-{drawn[2:14]}"


def access_fields(scope: Mapping[str, Any], status: int, seconds: float) -> dict[str, str | int | float | None]:
    """Say of one answered ASGI request what its log line may hold.

    Parameters
    ----------
    scope : mapping
        Its ASGI scope. Of it are told the method, the template of the route, and under ``state`` the ``request_id`` and
        the name of the ``caller``.
    status : int
        What was answered.
    seconds : float
        How long it took.
    """
    state = scope.get("state", {})
    return {
        "request_id": state.get("request_id"),
        "method": scope["method"] if scope["method"] in METHODS else OTHER,
        "route": getattr(scope.get("route"), "path", NO_ROUTE),
        "status": status,
        "ms": round(1000 * seconds, 2),
        "caller": getattr(state.get("caller"), "name", None),
    }


def anonymous_trace(error: BaseException) -> str:
    """Say which error arose where, the innermost place first, and from which other, without any of their messages.

    Examples
    --------
    >>> anonymous_trace(ValueError("income of Mrs Martin"))
    'ValueError'
    """
    # A line is cut at its end: what matters most stands first, and of each error only so many places.
    frames = reversed(traceback.extract_tb(error.__traceback__)[-PLACES:])
    places = [f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in frames]
    told = " < ".join([type(error).__qualname__, *places])
    return f"{told}, from {anonymous_trace(error.__cause__)}" if error.__cause__ else told


class LineFormatter(logging.Formatter):
    """Formats a record as one line of JSON, or of ``name=value`` for people.

    ``event`` is the text as written in the source. Of another library's record only its logger and place are told: what
    that library writes into its texts is not known here.

    Parameters
    ----------
    form : {"json", "plain"}
        How a line looks.
    """

    def __init__(self, form: Format = "json") -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {**_opening(record), **_fields(record)}
        if record.exc_info and record.exc_info[1]:
            line["error"] = anonymous_trace(record.exc_info[1])
        if self._form == "json":
            return json.dumps(line, separators=(",", ":"))
        opening = (line.pop("time"), line.pop("level").upper(), line.pop("event"))
        return " ".join([*opening, *(f"{name}={_shown(value)}" for name, value in line.items())])


def logging_config(form: Format = "json", level: str = "INFO") -> dict[str, Any]:
    """Return what ``logging.config.dictConfig`` takes: lines on standard error, of this program and of others."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{__name__}.LineFormatter", "form": form}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"scorewright": {"level": level}, "uvicorn": {"level": "WARNING"}},
    }


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


def _opening(record: logging.LogRecord) -> dict[str, Any]:
    whole, milliseconds = divmod(int(record.created * 1000), 1000)
    when = f"{_second(whole)}.{milliseconds:03d}Z"
    own = record.name.partition(".")[0] in _OWN and isinstance(record.msg, str)
    event = record.msg.strip()[:LONGEST] if own else f"{record.name} ({record.module}:{record.lineno})"
    return {"time": when, "level": record.levelname.lower(), "event": event}


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    has = vars(record)
    told = {"request_id": has.get("request_id") or request_id.get()}
    told |= {name: has[name] for name in FIELDS[1:] if name in has}
    longest = {"error": LONGEST_TRACE}
    return {name: _plain(value, longest.get(name, LONGEST)) for name, value in told.items() if value is not None}


def _plain(value: Any, longest: int) -> str | int | float:
    return value if isinstance(value, int | float) else str(value)[:longest]


def _shown(value: str | float) -> str:
    return json.dumps(value) if isinstance(value, str) and not value.isalnum() else str(value)
