from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from starlette.requests import ClientDisconnect

from scorewright.domain.decisions import NOTHING, Decision, HardRule, ModelInfo
from scorewright.domain.matrix import Label
from scorewright.domain.service import Answered
from scorewright.errors import (
    BodyNotArrowError,
    BodyShapeError,
    BodyTooLargeError,
    BodyTooSlowError,
    ColumnsError,
    LedgerUnavailableError,
    OverloadedError,
    ScorewrightError,
    UnseenCategoryError,
)
from scorewright.serve import problems
from scorewright.serve.answers import decision_answer
from scorewright.serve.arrow_rows import ANSWERS
from scorewright.serve.arrow_stream import END
from scorewright.serve.batch import Batch, BatchLimits, StreamedAnswer, answer_lines, begun, row_schema, write_brief
from scorewright.serve.batch_arrow import answer_arrow
from scorewright.serve.explained import EXAMPLE as EXPLANATION
from scorewright.serve.recorded import RecordedDecision, recorded_body
from tests.logs import lines_of, logged

T = TypeVar("T")

MODEL = ModelInfo("book", "7", "sha256:ab", "lightgbm", "log-odds", 0.09, 3, ("application", "loans"))
RULE = HardRule("poor", "refuse", Label("Low income", "Petit revenu"))
RECORDED = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
SMALL = BatchLimits(rows=3, chunk_bytes=200, line_bytes=120, message_bytes=1 << 16, history_rows=20)
Bodies = Sequence[dict[str, Any]]


def decided(body: dict[str, Any]) -> Decision | ScorewrightError:
    """Decide as a model would: by the body alone, and refuse what breaks a contract."""
    row = body["application"]
    if row.get("job") == "pirate":
        return UnseenCategoryError("application.job", ["pirate"], ["cook"], 1)
    if not {"id", "job", "income", "day", "when", "owner", "none"} >= set(row):
        return ColumnsError("application", unknown=["other"])
    rules = (RULE,) if row.get("income") == 0 else ()
    pd = len(body.get("loans") or []) / 1000 + 0.5
    return Decision(row.get("id", 0), pd, "refuse", MODEL, opinion="refuse", rules=rules, interval=(0.4, 0.9))


class Decider:
    """Decides, and remembers what it was given."""

    def __init__(self) -> None:
        self.chunks: list[list[dict[str, Any]]] = []

    def __call__(self, bodies: Sequence[Any]) -> list[bytes | Exception]:
        self.chunks.append([dict(body) for body in bodies])
        return [said(decided(body)) for body in bodies]


def said(found: Decision | ScorewrightError) -> bytes | Exception:
    """Say a decision as the ledger gives it back."""
    if isinstance(found, ScorewrightError):
        return found
    return recorded_body(Answered(f"id-{found.application}", RECORDED, write_brief(found, NOTHING), found.outcome))


async def at_once(task: Callable[[], T]) -> T:
    return task()


async def given_in(portions: Iterable[bytes]) -> AsyncIterator[bytes]:
    for portion in portions:
        yield portion


Answer = Callable[[AsyncIterator[bytes], Batch], AsyncGenerator[bytes, None]]


def answered(
    answer: Answer, portions: Iterable[bytes], decide: Any = None, limits: BatchLimits = SMALL, work: Any = at_once
) -> list[bytes]:
    batch = Batch(decide or Decider(), work, "1234", limits)

    async def gather() -> list[bytes]:
        return [portion async for portion in answer(given_in(portions), batch)]

    return asyncio.run(gather())


def lines(*portions: bytes, **how: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(answered(answer_lines, portions, **how)).splitlines()]


def codes(rows: list[dict[str, Any]]) -> list[str | None]:
    return [None if row["problem"] is None else row["problem"]["code"] for row in rows]


def line(number: int, **row: Any) -> bytes:
    return json.dumps({"application": {"id": number, **row}}).encode() + b"\n"


GOOD = line(1) + line(2, job="cook") + line(3, income=0)


def test_each_line_is_answered_in_its_place() -> None:
    rows = lines(GOOD)
    assert [row["position"] for row in rows] == [0, 1, 2]
    assert [row["answer"]["application"] for row in rows] == [1, 2, 3]
    assert codes(rows) == [None] * 3


def test_a_decision_is_said_as_for_one_application_without_its_explanation() -> None:
    whole = decision_answer(decided({"application": {"id": 3, "income": 0}}), 0).model_dump_json()  # type: ignore[arg-type]
    told = lines(line(3, income=0))[0]["answer"]
    assert (told.pop("id"), told.pop("time")) == ("id-3", "2026-03-02T09:30:00Z")
    assert told == {name: value for name, value in json.loads(whole).items() if name not in EXPLANATION}


BROKEN = {
    b"not json": "request-not-json",
    b'{"application": {"id": 1, "id": 2}}': "request-not-json",
    b"\xff\xfe": "request-not-json",
    b"[1]": "request-shape",
    b'{"loans": []}': "request-shape",
    b'{"application": {"id": 1e999}}': "request-shape",
    b'{"application": {"other": 1}}': "data-columns",
    b'{"application": {"job": "pirate"}}': "data-unseen-category",
    b'{"application": {"job": "' + b"x" * 200 + b'"}}': "request-too-large",
    b'{"application": {"job": "\\ud800"}}': "request-not-json",
}


@pytest.mark.parametrize(("broken", "code"), BROKEN.items(), ids=BROKEN.values())
def test_a_broken_line_fails_alone(broken: bytes, code: str) -> None:
    rows = lines(line(1) + broken + b"\n" + line(2))
    assert codes(rows) == [None, code, None]
    assert [row["position"] for row in rows] == [0, 1, 2]
    assert rows[1]["problem"]["instance"] == "urn:uuid:1234"
    assert set(rows[1]["problem"]) == set(problems.Problem.model_fields)


def test_the_last_line_needs_no_end_and_blank_lines_are_passed_over() -> None:
    rows = lines(b"\n \r\n" + line(1).replace(b"\n", b"\r\n") + b"\n\n" + line(2).rstrip())
    assert [(row["position"], row["answer"]["application"]) for row in rows] == [(0, 1), (1, 2)]


def test_an_empty_body_has_an_empty_answer() -> None:
    assert answered(answer_lines, []) == []
    assert answered(answer_lines, [b"", b"\n\n"]) == []


@given(st.lists(st.sampled_from([*BROKEN, line(1).strip(), line(2, income=0).strip(), b"", b" "])), st.data())
def test_any_split_of_lines_gives_the_same_answers(content: list[bytes], data: st.DataObject) -> None:
    body = b"\n".join(content)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=20)))
    portions = [body[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    whole, split = Decider(), Decider()
    assert answered(answer_lines, portions, split) == answered(answer_lines, [body], whole)
    assert split.chunks == whole.chunks
    rows = lines(body)
    assert len(rows) == len([one for one in content if one.strip()])
    assert [row["position"] for row in rows] == list(range(len(rows)))


def test_chunks_are_bounded_in_applications_and_bytes() -> None:
    few, large = Decider(), Decider()
    lines(b"".join(line(number) for number in range(7)), decide=few)
    assert [len(chunk) for chunk in few.chunks] == [3, 3, 1]
    lines(b"".join(line(number, job="x" * 70) for number in range(5)), decide=large)
    assert [len(chunk) for chunk in large.chunks] == [2, 2, 1]


def test_nothing_more_is_read_while_answers_wait() -> None:
    read: list[int] = []

    async def portions() -> AsyncIterator[bytes]:
        for number in range(100):
            read.append(number)
            yield line(number)

    async def take_one() -> None:
        async with aclosing(answer_lines(portions(), Batch(Decider(), at_once, "1", SMALL))) as answers:
            await anext(answers)
            await asyncio.sleep(0)
            assert len(read) == 3

    asyncio.run(take_one())


class Portions:
    """A body whose reader can be seen to close it."""

    def __init__(self, portions: Iterable[bytes], then: BaseException | None = None) -> None:
        self._portions, self._then = iter(portions), then
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for portion in self._portions:
            return portion
        if self._then is not None:
            raise self._then
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize("answer", [answer_lines, answer_arrow])
def test_a_caller_that_takes_no_more_closes_the_body(answer: Answer) -> None:
    body = Portions([GOOD] * 100 if answer is answer_lines else [stream(*[records([1, 2])] * 20)])

    async def leave() -> None:
        answers = answer(body, Batch(Decider(), at_once, "1", SMALL))
        await anext(answers)
        await answers.aclose()

    asyncio.run(leave())
    assert body.closed


@pytest.mark.parametrize("answer", [answer_lines, answer_arrow])
def test_a_cancelled_answer_closes_the_body(answer: Answer) -> None:
    body = Portions([GOOD] if answer is answer_lines else [stream(records([1]))])

    async def never(_task: Callable[[], T]) -> T:
        await asyncio.Event().wait()
        raise AssertionError

    async def cancel() -> None:
        async def take() -> None:
            async for _ in answer(body, Batch(Decider(), never, "1", SMALL)):
                pass

        task = asyncio.ensure_future(take())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert body.closed


def test_a_body_that_ends_early_is_answered_as_far_as_it_came() -> None:
    slow = BodyTooSlowError("A body must arrive.", "nothing for a while", "Send it faster.")
    body = Portions([GOOD + line(4) + b'{"applic'], slow)

    async def gather() -> list[bytes]:
        return [portion async for portion in answer_lines(body, Batch(Decider(), at_once, "1", SMALL))]

    rows = [json.loads(each) for each in b"".join(asyncio.run(gather())).splitlines()]
    assert codes(rows) == [None] * 4 + ["request-too-slow"]
    assert rows[-1]["position"] == 4
    assert body.closed


def test_what_the_whole_chunk_fails_by_is_answered_to_each_and_logged_once() -> None:
    def fails(_bodies: Bodies) -> list[bytes | Exception]:
        raise LedgerUnavailableError("the disk is full")

    with logged() as log:
        rows = lines(line(1) + b"no json\n" + line(2), decide=fails)
    assert codes(rows) == ["ledger-unavailable", "request-not-json", "ledger-unavailable"]
    assert "disk" not in json.dumps(rows)
    (refused,) = [one for one in lines_of(log) if one["event"] == "refused"]
    assert (refused["code"], refused["request_id"]) == ("ledger-unavailable", "1234")
    assert "the disk is full" in refused["reason"]


def test_what_nobody_expected_of_one_application_is_its_own_problem_and_logged_without_its_words() -> None:
    def decide(bodies: Bodies) -> list[bytes | Exception]:
        return [
            ZeroDivisionError("Mrs Martin") if body["application"]["id"] == 2 else Decider()([body])[0]
            for body in bodies
        ]

    with logged() as log:
        rows = lines(GOOD, decide=decide)
    assert codes(rows) == [None, "internal", None]
    assert rows[1]["problem"]["instance"] == "urn:uuid:1234"
    (line_,) = [one for one in lines_of(log) if one["event"] == "unexpected"]
    assert (line_["error"], line_["request_id"]) == ("ZeroDivisionError", "1234")
    assert "Martin" not in log.getvalue() + json.dumps(rows)


@pytest.mark.parametrize("answer", [answer_lines, answer_arrow])
def test_a_worker_that_takes_no_more_is_said_to_each(answer: Answer) -> None:
    taken = iter([True, False, False, False])

    async def full(task: Callable[[], T]) -> T:
        if answer is answer_arrow and next(taken):
            return task()
        raise OverloadedError("No more than so many wait.", "one more")

    if answer is answer_lines:
        assert codes(lines(GOOD, work=full)) == ["service-overloaded"] * 3
    else:
        assert codes(arrow(stream(records([1, 2])), work=full)) == ["service-overloaded"] * 2


def test_what_nobody_expected_ends_the_answer() -> None:
    def fails(_bodies: Bodies) -> list[bytes | Exception]:
        raise ZeroDivisionError

    for too_few in (fails, lambda _bodies: []):
        with pytest.raises((ZeroDivisionError, AssertionError)):
            lines(line(1), decide=too_few)


def test_the_schema_of_a_line_fits_the_lines() -> None:
    schemas = {
        **RecordedDecision.model_json_schema(ref_template="#/components/schemas/{model}")["$defs"],
        "Problem": problems.Problem.model_json_schema(),
    }
    validator = Draft202012Validator({**row_schema(), "components": {"schemas": schemas}})
    for row in lines(GOOD + b"\n".join(BROKEN)):
        validator.validate(row)
    assert not validator.is_valid({"position": 0, "answer": {}, "problem": None})
    assert not set(EXPLANATION) & set(row_schema()["properties"]["answer"]["anyOf"][0]["properties"])


# --- Arrow ---

LOANS = pa.list_(pa.struct([("debt", pa.float64()), ("since", pa.date32())]))
SCHEMA = pa.schema([("id", pa.int64()), ("job", pa.string()), ("loans", LOANS)])


def records(ids: list[int], jobs: list[str | None] | None = None, loans: list[Any] | None = None) -> pa.RecordBatch:
    columns = [ids, jobs or [None] * len(ids), loans or [None] * len(ids)]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return pa.record_batch(arrays, schema=SCHEMA)


def stream(*batches: pa.RecordBatch, options: Any = None) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def arrow(*portions: bytes, **how: Any) -> list[dict[str, Any]]:
    sent = b"".join(answered(answer_arrow, portions, **how))
    table = pa.ipc.open_stream(sent).read_all()
    table.validate(full=True)
    assert table.schema == ANSWERS
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def test_arrow_is_answered_as_ndjson_with_keys_as_text() -> None:
    rows = arrow(stream(records([1, 2], ["cook", "pirate"]), records([3])))
    told = lines(line(1, job="cook") + line(2, job="pirate") + line(3))
    for row in told:
        if row["answer"]:
            row["answer"]["application"] = str(row["answer"]["application"])
    assert rows == told


def test_the_answers_of_arrow_have_the_fields_of_ndjson() -> None:
    answer, problem = ANSWERS.field("answer").type, ANSWERS.field("problem").type
    names = {answer.field(place).name for place in range(answer.num_fields)}
    assert names == set(RecordedDecision.model_fields) - set(EXPLANATION)
    assert {problem.field(place).name for place in range(problem.num_fields)} == set(problems.Problem.model_fields)


def test_rows_of_histories_go_to_their_application() -> None:
    seen = Decider()
    loans = [[{"debt": 1.5, "since": dt.date(2024, 2, 29)}, {"debt": float("nan")}], None, [], [{"debt": 2.0}]]
    arrow(stream(records([1, 2, 3, 4], loans=loans)), decide=seen)
    bodies = [body for chunk in seen.chunks for body in chunk]
    assert [body["application"]["id"] for body in bodies] == [1, 2, 3, 4]
    assert bodies[0]["loans"] == [{"debt": 1.5, "since": "2024-02-29"}, {"debt": None, "since": None}]
    assert [body["loans"] for body in bodies[1:]] == [[], [], [{"debt": 2.0, "since": None}]]


DAY = dt.datetime(2024, 2, 29)  # noqa: DTZ001
TIME = DAY.replace(hour=1, minute=2, second=3, microsecond=4)
VALUES: dict[str, tuple[pa.Array, list[Any]]] = {
    "large text": (pa.array(["é", None], pa.large_string()), ["é", None]),
    "text view": (pa.array(["é", None], pa.string_view()), ["é", None]),
    "categories": (pa.array(["a", None]).dictionary_encode(), ["a", None]),
    "small integers": (pa.array([-1, None], pa.int8()), [-1, None]),
    "unsigned": (pa.array([2**63 - 1, None], pa.uint64()), [2**63 - 1, None]),
    "single": (pa.array([0.5, float("nan")], pa.float32()), [0.5, None]),
    "half": (pa.array([0.5, None], pa.float32()).cast(pa.float16()), [0.5, None]),
    "decimals": (pa.array([Decimal("1.25"), None], pa.decimal128(9, 2)), [1.25, None]),
    "booleans": (pa.array([True, None]), [True, None]),
    "days": (pa.array([dt.date(2024, 2, 29), None], pa.date64()), ["2024-02-29", None]),
    "midnights": (pa.array([DAY, None], pa.timestamp("ns")), ["2024-02-29", None]),
    "times": (pa.array([TIME] * 2), ["2024-02-29T01:02:03.000004"] * 2),
    "zoned": (
        pa.array([TIME] * 2).cast(pa.timestamp("us", "Europe/Paris")),
        ["2024-02-29T01:02:03.000004"] * 2,
    ),
    "nothing": (pa.nulls(2), [None, None]),
}


@pytest.mark.parametrize(("column", "values"), VALUES.values(), ids=VALUES)
def test_values_are_those_of_json(column: pa.Array, values: list[Any]) -> None:
    seen = Decider()
    rows = pa.StructArray.from_arrays([column, pa.array([1, 2])], ["job", "n"])
    history = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), rows)
    arrow(stream(pa.record_batch({"id": [1, 2], "job": column, "loans": history})), decide=seen)
    assert [body["application"]["job"] for body in seen.chunks[0]] == values
    assert [body["loans"][0]["job"] for body in seen.chunks[0]] == values


def test_numbers_that_json_does_not_have_fail_alone() -> None:
    income = pa.array([1.0, float("inf"), 2.0])
    huge = pa.array([2**64 - 1, 1, 1], pa.uint64())
    rows = arrow(stream(pa.record_batch({"id": huge, "income": income})))
    assert codes(rows) == ["request-shape", "request-shape", None]
    loans = [[{"debt": 1.0}], [], [{"debt": 2.0}, {"debt": float("-inf")}]]
    assert codes(arrow(stream(records([1, 2, 3], loans=loans)))) == [None, None, "request-shape"]
    assert codes(arrow(stream(records([1, 2, 3], loans=[[None], [], [{"debt": 2.0}]])))) == [
        "request-shape",
        None,
        None,
    ]


EXTREMES = [-(2**63), -(2**53), 2**53, 2**63 - 1]


@pytest.mark.parametrize("kind", [*map(pa.timestamp, ("s", "ms", "us")), pa.timestamp("us", "Asia/Tokyo")])
def test_times_beyond_the_calendar_fail_alone(kind: pa.DataType) -> None:
    when = pa.array([0, *EXTREMES, 0], pa.int64()).view(kind)
    told = codes(arrow(stream(pa.record_batch({"id": range(6), "when": when}))))
    assert (told[0], told[1], told[4], told[5]) == (None, "request-shape", "request-shape", None)
    days = pa.array([0, -(2**31), 2**31 - 1], pa.int32()).view(pa.date32())
    assert codes(arrow(stream(pa.record_batch({"when": days})))) == [None, "request-shape", "request-shape"]


def test_a_time_zone_that_nobody_knows_is_no_value() -> None:
    when = pa.array([0], pa.int64()).view(pa.timestamp("us", "Foo/Bar"))
    assert codes(arrow(stream(pa.record_batch({"when": when})))) == ["request-not-arrow"]


def test_an_application_with_too_long_a_history_fails_alone() -> None:
    seen = Decider()
    loans = [[{"debt": 1.0}] * size for size in (10, 21, 0, 10, 11, 9)]
    rows = arrow(stream(records([1, 2, 3, 4, 5, 6], loans=loans)), decide=seen)
    assert codes(rows) == [None, "request-too-large", None, None, None, None]
    assert [[body["application"]["id"] for body in chunk] for chunk in seen.chunks] == [[1], [3, 4], [5, 6]]


def test_dictionaries_may_change_on_the_way() -> None:
    schema = pa.schema([("id", pa.int64()), ("job", pa.dictionary(pa.int8(), pa.string()))])
    batches = [
        pa.record_batch(
            [pa.array([number]), pa.array([job]).dictionary_encode().cast(schema.field("job").type)], schema
        )
        for number, job in enumerate(["cook", "pirate", "nurse"])
    ]
    seen = Decider()
    assert codes(arrow(stream(*batches), decide=seen)) == [None, "data-unseen-category", None]
    assert [chunk[0]["application"]["job"] for chunk in seen.chunks] == ["cook", "pirate", "nurse"]
    growing = [
        pa.record_batch([pa.array([1]), pa.DictionaryArray.from_arrays(pa.array([size - 1], pa.int8()), words)], schema)
        for size, words in ((1, pa.array(["cook"])), (2, pa.array(["cook", "pirate"])))
    ]
    deltas = stream(*growing, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True))
    assert codes(arrow(deltas)) == [None, "data-unseen-category"]


def test_a_stream_without_rows_or_history_or_end() -> None:
    assert arrow(stream(records([]))) == []
    assert codes(arrow(stream(records([1])).removesuffix(END))) == [None]
    only_history = records([1, 2]).select(["loans"])
    assert [row["answer"]["application"] for row in arrow(stream(only_history))] == ["0", "0"]


REFUSED: dict[str, tuple[bytes, type[ScorewrightError]]] = {
    "nothing": (b"", BodyNotArrowError),
    "json": (GOOD, BodyNotArrowError),
    "the end alone": (END, BodyNotArrowError),
    "half a schema": (stream(records([1]))[:40], BodyNotArrowError),
    "a negative length": (b"\xff\xff\xff\xff\xff\xff\xff\xff", BodyNotArrowError),
    "a huge length": (b"\xff\xff\xff\xff\xff\xff\xff\x7f", BodyTooLargeError),
    "nonsense of the right length": (b"\xff\xff\xff\xff\x10\x00\x00\x00" + b"\xf0" * 16, BodyNotArrowError),
    "no schema first": (records([1]).serialize().to_pybytes(), BodyNotArrowError),
    "bytes as values": (stream(pa.record_batch({"id": pa.array([b"x"])})), BodyShapeError),
    "lists of numbers": (stream(pa.record_batch({"loans": pa.array([[1]])})), BodyShapeError),
    "one name twice": (stream(pa.record_batch([pa.array([1])] * 2, ["id", "id"])), BodyShapeError),
    "a history named as the root": (
        stream(pa.record_batch({"application": pa.array([[{"debt": 1}]])})),
        BodyShapeError,
    ),
    "a name that is no text": (
        stream(pa.record_batch({"name": [1]})).replace(b"\x04\x00\x00\x00name", b"\x04\x00\x00\x00nam\xff"),
        BodyNotArrowError,
    ),
    "a history within a history": (stream(pa.record_batch({"loans": pa.array([[{"more": [1]}]])})), BodyShapeError),
}


@pytest.mark.parametrize(("body", "error"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_stream_of_applications_is_refused_before_anything_is_answered(
    body: bytes, error: type[ScorewrightError]
) -> None:
    with pytest.raises(error):
        arrow(body)


def with_null_rows(rows: int) -> bytes:
    return stream(pa.record_batch({"none": pa.nulls(rows)}))


def with_null_history(rows: int) -> bytes:
    empty = pa.StructArray.from_arrays([pa.nulls(rows)], ["none"])
    history = pa.ListArray.from_arrays(pa.array([0, rows], pa.int32()), empty)
    return stream(pa.record_batch({"id": [1], "loans": history}))


WHOLE = stream(records([1, 2]), records([3]))
LATE: dict[str, tuple[bytes, list[str | None]]] = {
    "cut within a batch": (WHOLE[:-40], [None, None, "request-not-arrow"]),
    "goes on behind its end": (WHOLE + b"more", [None, None, None, "request-not-arrow"]),
    "two streams": (WHOLE + WHOLE, [None, None, None, "request-not-arrow"]),
    "another schema": (
        stream(records([1])).removesuffix(END) + pa.record_batch({"x": ["y"]}).serialize().to_pybytes(),
        [None, "request-not-arrow"],
    ),
    "a second schema": (
        stream(records([1])).removesuffix(END) + SCHEMA.serialize().to_pybytes(),
        [None, "request-not-arrow"],
    ),
    "a batch too large": (stream(records([1]), records(list(range(9000)))), [None, "request-too-large"]),
    "compressed": (
        stream(records([1] * 99), options=pa.ipc.IpcWriteOptions(compression="zstd")),
        ["request-not-arrow"],
    ),
    "rows without bytes": (with_null_rows(100_000), ["request-not-arrow"]),
    "histories without bytes": (with_null_history(100_000), ["request-not-arrow"]),
}


@pytest.mark.parametrize(("body", "told"), LATE.values(), ids=LATE)
def test_a_stream_that_cannot_be_read_on_is_answered_as_far_as_it_came(body: bytes, told: list[str | None]) -> None:
    rows = arrow(body)
    assert codes(rows) == told
    assert [row["position"] for row in rows] == list(range(len(told)))


def test_long_texts_in_dictionaries_fail_alone() -> None:
    column = pa.array(["x" * 2000, "y"]).dictionary_encode()
    assert codes(arrow(stream(pa.record_batch({"id": [1, 2], "job": column})))) == ["request-shape"] * 2


@given(st.data())
def test_any_damage_to_a_stream_ends_in_answers_or_in_one_error(data: st.DataObject) -> None:
    body = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        rows = arrow(bytes(body))
    except (BodyNotArrowError, BodyShapeError, BodyTooLargeError):
        return
    assert [row["position"] for row in rows] == list(range(len(rows)))


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=4), st.data())
def test_any_split_of_a_stream_gives_the_same_answers(batches: list[list[int]], data: st.DataObject) -> None:
    loans = [[{"debt": float(number)}] * number for number in range(10)]
    body = stream(*[records(ids, loans=[loans[number] for number in ids]) for ids in batches])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=20)))
    portions = [body[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert answered(answer_arrow, portions) == answered(answer_arrow, [body])
    assert [row["answer"]["application"] for row in arrow(*portions)] == [str(one) for ids in batches for one in ids]


# --- the response ---


def respond(messages: list[dict[str, Any]], answer: Any) -> list[dict[str, Any]]:
    """Answer over the protocol of a server, which gives `messages` one after the other."""
    sent: list[dict[str, Any]] = []
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return next(waiting)

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    async def body() -> AsyncIterator[bytes]:
        while (message := await receive())["type"] != "http.disconnect":
            yield message["body"]
            if not message["more_body"]:
                return
        raise ClientDisconnect

    async def run() -> None:
        scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}}
        await StreamedAnswer(answer(body()))(scope, receive, send)

    asyncio.run(run())
    return sent


def portion(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_every_portion_of_the_body_comes_to_its_reader() -> None:
    messages = [*(portion(line(number)) for number in range(20)), portion(b"", more=False)]
    sent = respond(messages, lambda body: answer_lines(body, Batch(Decider(), at_once, "1", SMALL)))
    rows = [json.loads(each) for message in sent[1:] for each in message["body"].splitlines()]
    assert [row["answer"]["application"] for row in rows] == list(range(20))


def test_a_caller_that_leaves_ends_the_answer() -> None:
    seen = Decider()
    messages = [portion(GOOD), portion(GOOD), {"type": "http.disconnect"}]
    with pytest.raises(ClientDisconnect):
        respond(messages, lambda body: answer_lines(body, Batch(seen, at_once, "1", replace(SMALL, rows=3))))
    assert len(seen.chunks) == 2


def test_an_answer_that_has_begun_says_what_it_would_have_said() -> None:
    async def gather(body: bytes) -> list[bytes]:
        batch = Batch(Decider(), at_once, "1", SMALL)
        return [each async for each in await begun(answer_arrow(given_in([body]), batch))]

    assert asyncio.run(gather(WHOLE)) == answered(answer_arrow, [WHOLE])
    with pytest.raises(BodyNotArrowError):
        asyncio.run(gather(GOOD))
