"""Closed loops of requests over a few connections, cheap enough to share its cores with what it measures.

Each connection sends its next request as soon as the answer to the last one is whole. HTTP/1.1 over plain sockets, with
requests put together beforehand: a client library would cost more than a fast service. `Driven.cpu` says what it cost.

Examples
--------
Ten seconds of load over eight connections, and what came back::

    calls = cycle(post("/v1/decisions", body, {"Authorization": f"Bearer {key}"}) for body in bodies)
    driven = asyncio.run(drive(("127.0.0.1", 8000), calls, connections=8, seconds=10.0))
    pace_of(driven).p99_ms
"""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from time import perf_counter, process_time

import numpy as np

JSON = "application/json"
LOST = 0
PATIENCE = 30.0
#: Seconds before a connection that was refused is tried again.
PAUSE = 0.02
HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Parameters
    ----------
    sent : bytes
        All of it: first line, headers, body.
    tag : int
        What the caller knows it by; stands in its reply.
    """

    sent: bytes
    tag: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one call.

    Parameters
    ----------
    tag : int
        As in the call.
    status : int
        Of the answer; `LOST` if the connection ended, or patience did, before the answer was whole. Nobody can say then
        whether the server did what it was asked.
    body : bytes
        Of the answer; empty if it was lost.
    began : float
        When the request was sent, by `time.perf_counter`.
    seconds : float
        From then to the last byte of the answer, or to the loss.
    """

    tag: int
    status: int
    body: bytes
    began: float
    seconds: float


@dataclass(frozen=True)
class Driven:
    """One run: its replies in the order in which they came, and the seconds of processor time the loops took."""

    connections: int
    replies: tuple[Reply, ...]
    cpu: float


@dataclass(frozen=True)
class Pace:
    """How fast the answers of one run came.

    Parameters
    ----------
    connections, requests : int
        How many loops, and how many answers they got.
    failed : int
        Answers with another status than 200, and lost ones.
    per_second : float
        Answers in a second, from the first request to the last answer.
    p50_ms, p99_ms : float
        Quantiles of the time from a request to its whole answer.
    cpu_us : float
        Microseconds of processor time that the load generator took for each request.
    """

    connections: int
    requests: int
    failed: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


def post(path: str, body: bytes, headers: Mapping[str, str] | None = None, tag: int = 0) -> Call:
    """Put a POST together; the body is JSON unless the headers say otherwise."""
    return Call(_request("POST", path, {"Content-Type": JSON, **(headers or {})}, body), tag)


def get(path: str, headers: Mapping[str, str] | None = None, tag: int = 0) -> Call:
    """Put a GET together."""
    return Call(_request("GET", path, headers or {}, b""), tag)


def _request(method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    told = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def drive(
    address: Address,
    calls: Iterator[Call],
    *,
    connections: int,
    seconds: float,
    take: Callable[[Reply], None] | None = None,
) -> Driven:
    """Keep so many connections busy until the time is over or the calls are.

    A connection that is lost is opened again, and one that is refused is tried again until the time is over; the call
    that was under way is not repeated. After the time, answers under way are waited for, `PATIENCE` seconds at most.

    Parameters
    ----------
    address : (str, int)
        Host, on loopback, and port.
    calls : iterator of Call
        What to send. It is asked for one call at a time, when a connection is free, so that it may depend on the
        replies taken so far.
    connections : int
        How many requests are under way at any moment.
    seconds : float
        After how long nothing new is sent.
    take : callable, optional
        Takes each reply as it comes, instead of `Driven.replies`: to keep less of it, or to answer it.
    """
    replies: list[Reply] = []
    crew = _Crew(calls, perf_counter() + seconds, take or replies.append)
    with _no_collections():
        before = process_time()
        loops = [asyncio.create_task(_keep_busy(crew, address)) for _ in range(connections)]
        await asyncio.wait(loops, timeout=seconds + PATIENCE)
        crew.abort()
        await asyncio.gather(*loops)
        cpu = process_time() - before
    return Driven(connections, tuple(replies), cpu)


def pace_of(driven: Driven) -> Pace:
    """Sum a run up.

    Raises
    ------
    ValueError
        Nothing was answered.
    """
    answered = [reply for reply in driven.replies if reply.status != LOST]
    if not answered:
        raise ValueError("Nothing was answered.")
    took = np.array([reply.seconds for reply in answered])
    ended = max(reply.began + reply.seconds for reply in answered)
    p50, p99 = np.quantile(took, [0.5, 0.99])
    return Pace(
        driven.connections,
        len(answered),
        sum(reply.status != 200 for reply in driven.replies),
        len(answered) / (ended - min(reply.began for reply in answered)),
        1000 * float(p50),
        1000 * float(p99),
        1e6 * driven.cpu / len(answered),
    )


def read_answer(received: bytes | bytearray) -> tuple[int, bytes, bool] | None:
    r"""Read an answer: status, body, and whether the connection stays open; nothing while it is not whole.

    Raises
    ------
    ValueError
        It says neither how long it is nor that it comes in chunks.

    Examples
    --------
    >>> read_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    (200, b'hi', True)
    >>> read_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh")
    """
    end = received.find(HEAD_END)
    if end < 0:
        return None
    head, start = bytes(received[:end]), end + len(HEAD_END)
    body = _body(head, received, start)
    return None if body is None else (int(head[9:12]), body, _CLOSES.search(head) is None)


def _body(head: bytes, received: bytes | bytearray, start: int) -> bytes | None:
    length = _LENGTH.search(head)
    if length is not None:
        end = start + int(length[1])
        return bytes(received[start:end]) if len(received) >= end else None
    if _CHUNKED.search(head) is not None:
        return _unchunked(received, start) if received.endswith(b"0\r\n\r\n") else None
    if head[9:12] == b"204":
        return b""
    raise ValueError("An answer must say how long it is.")


def _unchunked(received: bytes | bytearray, at: int) -> bytes | None:
    parts: list[bytes] = []
    while (end := received.find(b"\r\n", at)) >= 0:
        size = int(received[at:end].partition(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        at = end + 2 + size + 2
        parts.append(bytes(received[end + 2 : at - 2]))
    return None


class _Crew:
    """What the connections of a run share."""

    def __init__(self, calls: Iterator[Call], until: float, take: Callable[[Reply], None]) -> None:
        self._calls = calls
        self._until = until
        self.take = take
        self.open: set[asyncio.Transport] = set()
        self.over = False

    def next(self) -> Call | None:
        """Give the next call, if there is one and it is not too late."""
        call = None if self.over or perf_counter() > self._until else next(self._calls, None)
        self.over = call is None
        return call

    def late(self) -> bool:
        """Whether nothing new is to be sent."""
        self.over = self.over or perf_counter() > self._until
        return self.over

    def abort(self) -> None:
        """Wait for nobody any more."""
        self.over = True
        for transport in tuple(self.open):
            transport.abort()


class _Loop(asyncio.Protocol):
    """One connection, and the loop that keeps it busy."""

    def __init__(self, crew: _Crew) -> None:
        self._crew = crew
        self._received = bytearray()
        self._call: Call | None = None
        self._began = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a protocol over TCP gets
        self._transport = transport
        self._crew.open.add(transport)
        self._send()

    def _send(self) -> None:
        self._call = self._crew.next()
        if self._call is None:
            self._transport.close()
            return
        self._began = perf_counter()
        self._transport.write(self._call.sent)

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = read_answer(self._received)
        if answer is None:
            return
        status, body, stays = answer
        self._received.clear()
        self._told(status, body)
        if stays:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self._crew.open.discard(self._transport)
        if self._call is not None:
            self._told(LOST, b"")
        self.ended.set_result(None)

    def _told(self, status: int, body: bytes) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._crew.take(Reply(call.tag, status, body, self._began, perf_counter() - self._began))


async def _keep_busy(crew: _Crew, address: Address) -> None:
    loop = asyncio.get_running_loop()
    while not crew.late():
        try:
            _, connection = await loop.create_connection(lambda: _Loop(crew), *address)
        except OSError:
            await asyncio.sleep(PAUSE)
        else:
            await connection.ended


@contextmanager
def _no_collections() -> Iterator[None]:
    """Keep the garbage collector from pausing the loops: replies are many and none is garbage."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def first(calls: Iterator[Call], count: int) -> Iterator[Call]:
    """Give so many calls and no more: a run that ends by their number."""
    return islice(calls, count)
