"""Requests that Schemathesis makes up from what the service says of itself, and mutates.

Two documents are drawn from: the OpenAPI document as it is told, and the same with what ``GET /v1/schema`` says of an
application put in place of its bodies, for a body that gets past the door must be nearly right. Of each operation as
many requests fit the document as break it.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core import NotSet

JSON, NDJSON, ARROW = "application/json", "application/x-ndjson", "application/vnd.apache.arrow.stream"
OPENAPI, SCHEMA = "/openapi.json", "/v1/schema"
#: Requests in one draw of one operation, in one document and one mode.
DRAWN = 40
#: So many rounds ask also what takes no body: there is not much that can be wrong with it.
WITHOUT_BODY = 2
FAILED = 500
_FAILED_ROW = re.compile(rb'"status": ?(5\d\d)')
#: What takes whole applications.
TAKERS = ("/v1/decisions", "/v1/decisions/batch", "/v1/simulations")
Document = dict[str, Any]
Fetch = Callable[[str], Document]
Ask = Callable[[Case], int]
Operation = Any


@dataclass
class Fuzzed:
    """What became of the requests.

    Parameters
    ----------
    requests, bodies : int
        How many were sent, and how many of them had a body.
    statuses : Counter
        How many got each status.
    failed : list of str
        Requests that the service failed at, as calls of curl.
    """

    requests: int = 0
    bodies: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def took(self, case: Case, status: int) -> None:
        """Count a request."""
        self.requests += 1
        self.bodies += not isinstance(case.body, NotSet)
        self.statuses[status] += 1
        if status >= FAILED or status == 0:
            self.failed.append(f"{status} {case.as_curl_command()}"[:4000])


def fuzz(fetch: Fetch, ask: Ask, bodies: int, known: Mapping[str, str]) -> Fuzzed:
    """Send requests until so many had a body.

    Parameters
    ----------
    fetch : callable
        Gets a document of the service, by its path.
    ask : callable
        Sends a request and returns its status, 0 if there was none.
    bodies : int
        How many requests with a body to send, at least.
    known : mapping of str to str
        By the beginning of a path, the id of something that is there; every second draw asks for it.
    """
    fuzzed = Fuzzed()
    told = fetch(OPENAPI)
    exact = [each for each in of(with_applications(told, fetch(SCHEMA))) if each.path in TAKERS]
    operations = [*of(told), *exact]
    for number in count():
        for operation in operations:
            if number >= WITHOUT_BODY and not operation.body:
                continue
            for mode in GenerationMode:
                for case in drawn(operation, mode, number, given_id(operation, known) if number % 2 else None):
                    fuzzed.took(case, ask(case))
        print(f"  {fuzzed.bodies} bodies, {dict(sorted(fuzzed.statuses.items()))}", flush=True)
        if fuzzed.bodies >= bodies:
            return fuzzed
    raise AssertionError("unreachable")


def worst(status: int, media_type: str, body: bytes) -> int:
    """Give the status of an answer, or that of the first row of a stream which the service failed at."""
    failed = _FAILED_ROW.search(body) if media_type == NDJSON else None
    return int(failed[1]) if failed else status


def of(document: Document, app: object = None) -> Iterator[Operation]:
    """Give the operations of a document, to be asked of an ASGI application or of whatever address is told then."""
    speak_streams()
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    for result in schema.get_all_operations():
        yield result.ok()


def given_id(operation: Operation, known: Mapping[str, str]) -> dict[str, str] | None:
    """Give the id to put into the path of an operation, if it takes one and one is known."""
    found = [id_ for beginning, id_ in known.items() if operation.path.startswith(f"{beginning}{{id}}")]
    return {"id": found[0]} if found else None


def drawn(
    operation: Operation, mode: GenerationMode, number: int, path: Mapping[str, str] | None = None, most: int = DRAWN
) -> Sequence[Case]:
    """Draw requests of an operation; the same number draws the same. None where nothing can break the document."""
    cases: list[Case] = []

    @seed(number)
    @settings(
        max_examples=most,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        derandomize=False,
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=path))
    def draw(case: Case) -> None:
        cases.append(case)

    with suppress(Unsatisfiable):
        draw()
    return cases


def with_applications(document: Document, schema: Mapping[str, Any]) -> Document:
    """Say what an application is wherever the document leaves it open."""
    exact = copy.deepcopy(document)
    application = {name: each for name, each in schema.items() if name != "$schema"}
    exact["components"]["schemas"]["Application"] = application
    for operations in exact["paths"].values():
        for operation in operations.values():
            _say(operation.get("requestBody", {}).get("content", {}), application)
    return exact


def _say(content: Document, application: Document) -> None:
    one = {"$ref": "#/components/schemas/Application"}
    if ARROW in content:
        content[NDJSON]["schema"] = {"type": "array", "items": one, "minItems": 1, "maxItems": 3}
        return
    told = content.get(JSON, {}).get("schema", {})
    if "changes" in told.get("required", ()):
        changes = {"type": "object", "required": ["application"], "properties": {"application": _changes(application)}}
        told |= {
            "required": [*application["required"], "changes"],
            "properties": {**application["properties"], "changes": changes},
            "additionalProperties": False,
        }
    elif "application" in told.get("required", ()):
        content[JSON]["schema"] = one


def _changes(application: Document) -> Document:
    root = application["properties"]["application"]
    return {**root, "required": []}


def speak_streams() -> None:
    """Let Schemathesis write the bodies of streams: lines of JSON, or whatever bytes it made up."""
    for media_type in (NDJSON, ARROW):
        schemathesis.serializer(media_type)(_written)


def _written(_: object, value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    lines = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(line) for line in lines).encode()
