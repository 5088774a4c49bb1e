"""The load generator of the benchmarks, against servers that answer in every way it must understand."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from itertools import cycle, islice

import pytest

from benchmarks.load import LOST, Call, Driven, Reply, drive, get, pace_of, post, read_answer

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
Take = Callable[[Reply], None] | None


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


async def drive_against(answer: Answer, calls: Iterator[Call], connections: int, seconds: float, take: Take) -> Driven:
    """Drive the calls against a server that answers each request so."""
    gone: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                await answer(await read_request(reader), writer)
                await writer.drain()
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone.append(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        address: tuple[str, int] = server.sockets[0].getsockname()
        run = await drive(address, calls, connections=connections, seconds=seconds, take=take)
        await asyncio.gather(*gone)
    return run


def driven(
    answer: Answer, calls: Iterable[Call], connections: int = 1, seconds: float = 5.0, take: Take = None
) -> Driven:
    return asyncio.run(drive_against(answer, iter(calls), connections, seconds, take))


def always(*parts: bytes) -> Answer:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)

    return answer


def told(replies: tuple[Reply, ...]) -> list[tuple[int, int, bytes]]:
    return [(reply.tag, reply.status, reply.body) for reply in replies]


def test_every_call_is_sent_once_and_answered_in_turn() -> None:
    seen: list[bytes] = []

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        writer.write(WHOLE)

    calls = [post("/one", b"{}", {"X-API-Key": "k"}, tag=1), get("/two", tag=2)]
    assert told(driven(answer, calls).replies) == [(1, 200, b"hi"), (2, 200, b"hi")]
    assert seen[0].startswith(b"POST /one HTTP/1.1\r\n")
    assert b"\r\nX-API-Key: k\r\n" in seen[0]
    assert b"\r\nContent-Type: application/json\r\n" in seen[0]
    assert seen[0].endswith(b"\r\n\r\n{}")
    assert seen[1].startswith(b"GET /two HTTP/1.1\r\n")


@pytest.mark.parametrize(("whole", "body"), [(WHOLE, b"hi"), (CHUNKED, b"abcde")])
def test_an_answer_may_come_in_any_pieces(whole: bytes, body: bytes) -> None:
    assert read_answer(whole) == (200, body, True)
    assert all(read_answer(whole[:end]) is None for end in range(len(whole)))
    pieces = [whole[at : at + 1] for at in range(len(whole))]
    assert told(driven(always(*pieces), [get("/", tag=4)]).replies) == [(4, 200, body)]


def test_an_answer_of_unknown_length_is_not_understood() -> None:
    with pytest.raises(ValueError, match="how long"):
        read_answer(b"HTTP/1.1 200 OK\r\n\r\nhi")


def test_an_answer_that_ends_the_connection_loses_nothing() -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(LAST)
        writer.close()

    replies = driven(answer, [get("/", tag=tag) for tag in range(5)]).replies
    assert told(replies) == [(tag, 200, b"hi") for tag in range(5)]


def test_a_call_whose_answer_does_not_come_is_lost_and_the_next_is_sent_anew() -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        if request.startswith(b"GET /dies "):
            writer.write(WHOLE[:30])
            writer.close()
        else:
            writer.write(WHOLE)

    replies = driven(answer, [get("/", tag=1), get("/dies", tag=2), get("/", tag=3)]).replies
    assert told(replies) == [(1, 200, b"hi"), (2, LOST, b""), (3, 200, b"hi")]


def test_as_many_requests_are_under_way_as_there_are_connections() -> None:
    together, most = 0, 0

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal together, most
        together += 1
        most = max(most, together)
        for _ in range(20):
            await asyncio.sleep(0)
        together -= 1
        writer.write(WHOLE)

    run = driven(answer, islice(cycle([get("/")]), 100), connections=4)
    assert (len(run.replies), most) == (100, 4)


def test_nothing_is_sent_after_the_time_and_nobody_listening_is_no_reply() -> None:
    assert driven(always(WHOLE), [get("/")], seconds=-1.0).replies == ()

    async def run() -> Driven:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address: tuple[str, int] = probe.getsockname()
        return await drive(address, cycle([get("/")]), connections=2, seconds=0.1)

    assert asyncio.run(run()).replies == ()


def test_replies_can_be_taken_as_they_come_and_calls_can_depend_on_them() -> None:
    taken: list[Reply] = []

    calls = (get("/", tag=len(taken)) for _ in range(3))
    assert driven(always(WHOLE), calls, take=taken.append).replies == ()
    assert told(tuple(taken)) == [(tag, 200, b"hi") for tag in range(3)]


def test_a_run_is_summed_up_by_its_quantiles_and_its_failures() -> None:
    replies = [Reply(0, 200, b"", float(at), 0.001 * at) for at in range(1, 101)]
    failed = [Reply(0, 503, b"", 100.0, 0.05), Reply(0, LOST, b"", 100.0, 9.0)]
    pace = pace_of(Driven(8, (*replies, *failed), cpu=0.0101))
    assert (pace.connections, pace.requests, pace.failed) == (8, 101, 2)
    assert pace.per_second == pytest.approx(101 / (100.1 - 1.0))
    assert pace.p50_ms == pytest.approx(50.0)
    assert pace.p99_ms == pytest.approx(99.0)
    assert pace.cpu_us == pytest.approx(100.0)
    with pytest.raises(ValueError, match="Nothing"):
        pace_of(Driven(1, (Reply(0, LOST, b"", 0.0, 1.0),), cpu=0.0))


def test_a_refusal_is_told_by_its_status() -> None:
    assert told(driven(always(REFUSED), [get("/", tag=9)]).replies) == [(9, 503, b"")]
