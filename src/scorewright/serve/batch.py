"""Decide many applications in one request, answered as they come: NDJSON in, NDJSON out.

A request holds one application per line, as ``POST /v1/decisions`` takes it; empty lines are passed over. The answer
holds one line per application, in the same order, with its position from 0 and either its decision or its problem::

    {"position": 0, "answer": {"id": "01a1...", "application": 100001, "pd": 0.031, ...}, "problem": null}
    {"position": 1, "answer": null, "problem": {"code": "request-not-json", "status": 400, ...}}

A line that cannot be read or decided fails alone. What ends a request early (too slow, too large) is told as one last
line, at the position of the first application that was not read.

Applications are decided by chunks. No more of a request is read while a chunk is decided or while its answers wait to
be taken: memory stays bounded, whatever the caller sends and however slowly it reads. A caller must therefore read
answers while it sends, or send no more than fits in the buffers between.
"""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from scorewright.domain.decisions import Decision, Include
from scorewright.errors import BodyTooLargeError, RequestError, ScorewrightError
from scorewright.serve import answers, explained, problems, recorded
from scorewright.serve.bodies import parse_application
from scorewright.serve.envelope import error_log
from scorewright.serve.logs import anonymous_trace

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

T = TypeVar("T")


#: What a line holds, an application unless the batch says otherwise, or why it could not be read.
Read = Any | ScorewrightError

#: Decides and records applications together: for each, in the same order, its recorded decision as a JSON object, or
#: why there is none. What it raises, all applications of the chunk are answered with.
DecideMany = Callable[[Sequence[Any]], Sequence[bytes | Exception]]

#: Parts of a decision's answer that a batch leaves out.
_EXPLAINED = set(explained.EXAMPLE)
_BLANK = b" \t\r"


class Work(Protocol):
    """Runs what computes where it does not hold up the event loop."""

    def __call__(self, task: Callable[[], T], /) -> Awaitable[T]:
        """Run a task and return what it returns."""
        ...


@dataclass(frozen=True)
class BatchLimits:
    """How much of a request is in memory at a time.

    Parameters
    ----------
    rows : int
        Most applications in a chunk.
    chunk_bytes : int
        Lines of a chunk: no line is added once they have so many bytes together.
    line_bytes : int
        Longest line; a longer one is answered with a problem, and its content is dropped as it arrives.
    message_bytes : int
        Largest Arrow message, and most bytes of the dictionaries of a stream together.
    history_rows : int
        Most rows of histories in a chunk of an Arrow stream; an application with more is answered with a problem.
    """

    rows: int = 64
    chunk_bytes: int = 4 * 1024 * 1024
    line_bytes: int = 2 * 1024 * 1024
    message_bytes: int = 16 * 1024 * 1024
    history_rows: int = 50_000


@dataclass(frozen=True)
class Batch:
    """One request for many decisions, or for whatever else is asked for line by line.

    Parameters
    ----------
    decide_many : callable
        Decides applications together.
    work : callable
        Runs the reading, deciding and writing of one chunk, in a worker thread.
    request_id : str
        Names the occurrence in problems and in the log.
    limits : BatchLimits
        How much is in memory at a time.
    parse : callable
        Reads a line, or raises ``RequestError``.
    """

    decide_many: DecideMany
    work: Work
    request_id: str
    limits: BatchLimits = BatchLimits()
    parse: Callable[[bytes], Any] = parse_application

    def rows(self, first: int, read: Sequence[Read]) -> list[dict[str, Any]]:
        """Decide a chunk and say, for each of its applications from position `first` on, decision or problem."""
        decided = iter(self._decided([one for one in read if not isinstance(one, ScorewrightError)]))
        found: list[bytes | Exception] = [one if isinstance(one, ScorewrightError) else next(decided) for one in read]
        self._log(found)
        return [self.row(position, one) for position, one in enumerate(found, start=first)]

    def row(self, position: int, found: bytes | Exception) -> dict[str, Any]:
        """Say one decision, or why there is none."""
        if isinstance(found, bytes):
            return {"position": position, "answer": json.loads(found), "problem": None}
        problem = problems.from_error(found) if isinstance(found, ScorewrightError) else problems.unexpected()
        named = problem.model_copy(update={"instance": f"urn:uuid:{self.request_id}"})
        return {"position": position, "answer": None, "problem": named.model_dump()}

    def _decided(self, bodies: Sequence[Any]) -> Sequence[bytes | Exception]:
        if not bodies:
            return []
        try:
            decided = self.decide_many(bodies)
        except ScorewrightError as error:
            return [error] * len(bodies)
        if len(decided) != len(bodies):
            raise AssertionError(f"{len(decided)} decisions for {len(bodies)} applications")
        return decided

    def _log(self, found: Sequence[bytes | Exception]) -> None:
        """Log once per chunk and kind what the caller is not told."""
        named = {"request_id": self.request_id}
        for code, error in {one.code: one for one in found if isinstance(one, ScorewrightError)}.items():
            if not problems.kind_of(type(error)).open:
                error_log.error("refused", extra={**named, "code": code, "reason": str(error)})
        for one in found:
            if isinstance(one, Exception) and not isinstance(one, ScorewrightError):
                error_log.error("unexpected", extra={**named, "error": anonymous_trace(one)})


def write_brief(decision: Decision, include: frozenset[Include]) -> bytes:
    """Say a decision as a batch's are recorded: the JSON of a `DecisionAnswer`, without its explanation."""
    del include
    said: bytes = to_json(answers.plain_decision(decision))
    return said


class Lines:
    r"""Cuts bytes that arrive in any portions into lines of at most `longest` bytes.

    Examples
    --------
    >>> lines = Lines(longest=4)
    >>> list(lines.feed(b"ab\n\nc")), list(lines.feed(b"d\nlonger")), list(lines.end())
    ([b'ab'], [b'cd'], [None])
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """Give the lines that a portion completes, None for each that is too long. Blank lines are passed over."""
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self._keep(chunk[start:end])
            yield from self.end()
            start = end + 1
        self._keep(chunk[start:])

    def end(self) -> Iterator[bytes | None]:
        """Give the line that no line end follows."""
        line = None if self._size > self._longest else b"".join(self._parts)
        self._parts, self._size = [], 0
        if line is None or line.strip(_BLANK):
            yield line

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._longest:
            self._parts.clear()
        elif part:
            self._parts.append(part)


async def answer_lines(chunks: AsyncIterable[bytes], batch: Batch) -> AsyncGenerator[bytes, None]:
    """Decide the applications of an NDJSON body and give the lines that answer them, chunk by chunk.

    Parameters
    ----------
    chunks : async iterable of bytes
        The body as it arrives, in portions of any size.
    batch : Batch
        What decides, where, and in how much memory.
    """
    position, failed = 0, list[ScorewrightError]()
    async with aclosing(_chunks_of_lines(chunks, batch.limits, failed)) as groups:
        async for lines in groups:
            yield await _decide_lines(batch, position, lines)
            position += len(lines)
    for error in failed:
        yield _encoded([batch.row(position, error)])


async def _chunks_of_lines(
    chunks: AsyncIterable[bytes], limits: BatchLimits, failed: list[ScorewrightError]
) -> AsyncGenerator[list[bytes | None], None]:
    """Gather lines until a chunk is full. An error of the tree that ends the body early is put into `failed`."""
    lines, group, size = Lines(limits.line_bytes), list[bytes | None](), 0
    try:
        async with closing(chunks):
            async for chunk in chunks:
                for line in lines.feed(chunk):
                    group.append(line)
                    size += len(line or b"")
                    if len(group) >= limits.rows or size >= limits.chunk_bytes:
                        yield group
                        group, size = [], 0
        group += lines.end()
    except ScorewrightError as error:
        failed.append(error)
    if group:
        yield group


async def _decide_lines(batch: Batch, first: int, lines: Sequence[bytes | None]) -> bytes:
    def decide() -> bytes:
        return _encoded(batch.rows(first, [_read(line, batch) for line in lines]))

    try:
        return await batch.work(decide)
    except ScorewrightError as error:
        return _encoded(batch.rows(first, [error] * len(lines)))


def _read(line: bytes | None, batch: Batch) -> Read:
    if line is None:
        rule = f"A line must have at most {batch.limits.line_bytes} bytes."
        return BodyTooLargeError(rule, "more", "Send a shorter one, or let the operator raise the limit.")
    try:
        return batch.parse(line)
    except RequestError as error:
        return error


def _encoded(rows: Iterable[Mapping[str, Any]]) -> bytes:
    # Escapes whatever is not ASCII, so that no text that a problem quotes can make its own line fail.
    return b"".join(json.dumps(row, separators=(",", ":"), allow_nan=False).encode() + b"\n" for row in rows)


def closing(source: object) -> AsyncExitStack:
    """Close a source of bytes behind its reader, if it can be closed."""
    stack = AsyncExitStack()
    if hasattr(source, "aclose"):
        stack.push_async_callback(source.aclose)
    return stack


def row_schema() -> Mapping[str, Any]:
    """Give the JSON schema of one line of the answer, for the OpenAPI document."""
    answer = copy.deepcopy(recorded.RecordedDecision.model_json_schema(ref_template="#/components/schemas/{model}"))
    for part in ("$defs", "examples"):
        answer.pop(part, None)
    answer["title"], answer["description"] = "BatchAnswer", "PD and decision for one application."
    answer["properties"] = {name: each for name, each in answer["properties"].items() if name not in _EXPLAINED}
    answer["required"] = [name for name in answer["required"] if name not in _EXPLAINED]
    return line_schema("BatchRow", "One application of the request: its decision or its problem", answer)


def line_schema(title: str, description: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the JSON schema of one line of an answer, in which what was asked for has the schema `answer`."""
    problem = {"$ref": "#/components/schemas/Problem"}
    return {
        "title": title,
        "description": f"{description}; the other is null.",
        "type": "object",
        "required": ["position", "answer", "problem"],
        "properties": {
            "position": {"type": "integer", "minimum": 0, "description": "Place in the request, from 0."},
            "answer": {"anyOf": [answer, {"type": "null"}]},
            "problem": {"anyOf": [problem, {"type": "null"}]},
        },
    }


class StreamedAnswer(StreamingResponse):
    """Sends what an async generator gives while that still reads the request.

    Starlette's own response listens for the caller's leaving on the channel that brings the body, unless the server
    speaks ASGI 2.4, and so takes portions of it away. Here the reader of the body sees that the caller left.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the answer; however it ends, the generator is closed."""
        async with closing(self.body_iterator):
            try:
                await self.stream_response(send)
            except OSError:
                raise ClientDisconnect from None


async def begun(answered: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Wait for the first portion of an answer, so that an error before it can still have its own status."""
    first = await anext(answered, b"")

    async def whole() -> AsyncGenerator[bytes, None]:
        async with aclosing(answered):
            yield first
            async for portion in answered:
                yield portion

    return whole()
