from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorewright.errors import DeadlineError, OverloadedError, StoppingError
from scorewright.serve.batching import Batcher, Limits

PATIENCE = 30


class SlowWork:
    """Work that lasts until it is told to end: time passes only when a test says so."""

    def __init__(self, answer: Callable[[int], Any] = lambda item: item * 10) -> None:
        self.answer = answer
        self.begun: queue.Queue[list[int]] = queue.Queue()
        self._end = threading.Semaphore(0)

    def __call__(self, items: list[int]) -> Sequence[Any]:
        self.begun.put(list(items))
        assert self._end.acquire(timeout=PATIENCE)
        return [self.answer(item) for item in items]

    def next_batch(self) -> list[int]:
        return self.begun.get(timeout=PATIENCE)

    def end(self, batches: int = 1) -> None:
        self._end.release(batches)

    @property
    def idle(self) -> bool:
        return self.begun.empty()


async def ask(batcher: Batcher[int, Any], *items: int) -> list[asyncio.Task[Any]]:
    """Submit items, and come back once each of them is in the queue."""
    tasks = [asyncio.ensure_future(batcher.submit(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


def with_batcher(work: Any, act: Callable[[Batcher[int, Any]], Awaitable[None]], limits: Limits | None = None) -> None:
    batcher: Batcher[int, Any] = Batcher(work, limits or Limits())
    try:
        asyncio.run(asyncio.wait_for(act(batcher), PATIENCE))  # type: ignore[arg-type]
    finally:
        if isinstance(work, SlowWork):
            work.end(1000)
        batcher.close(PATIENCE)


# What is computed with what


def test_the_first_is_computed_at_once_and_those_who_wait_are_computed_together() -> None:
    work = SlowWork()

    async def act(batcher: Batcher[int, Any]) -> None:
        first = await ask(batcher, 1)
        assert work.next_batch() == [1]
        others = await ask(batcher, 2, 3, 4)
        assert batcher.waiting == 3
        work.end()
        assert work.next_batch() == [2, 3, 4]
        work.end()
        assert await asyncio.gather(*first, *others) == [10, 20, 30, 40]

    with_batcher(work, act)


def test_a_batch_has_a_largest_size() -> None:
    work = SlowWork()

    async def act(batcher: Batcher[int, Any]) -> None:
        tasks = await ask(batcher, 0)
        assert work.next_batch() == [0]
        tasks += await ask(batcher, 1, 2, 3, 4, 5)
        work.end(4)
        assert [work.next_batch() for _ in range(3)] == [[1, 2], [3, 4], [5]]
        assert await asyncio.gather(*tasks) == [0, 10, 20, 30, 40, 50]

    with_batcher(work, act, Limits(batch=2))


class TimerWatch(asyncio.SelectorEventLoop):
    """An event loop that remembers every timer."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[float] = []

    def call_at(self, when: float, *given: Any, **more: Any) -> asyncio.TimerHandle:
        self.timers.append(when)
        return super().call_at(when, *given, **more)


def test_nobody_waits_for_a_timer() -> None:
    batcher: Batcher[int, int] = Batcher(lambda items: items)
    with asyncio.Runner(loop_factory=TimerWatch) as runner:
        assert [runner.run(batcher.submit(item)) for item in range(20)] == list(range(20))
        loop = runner.get_loop()
        assert isinstance(loop, TimerWatch)
        assert loop.timers == []
        runner.run(batcher.submit(1, within=PATIENCE))
        assert len(loop.timers) == 1
    assert batcher.close(PATIENCE)


Step = tuple[str, int]
nobody = st.just(0)
step = st.one_of(
    st.tuples(st.just("ask"), nobody),
    st.tuples(st.just("end"), nobody),
    st.tuples(st.just("leave"), st.integers(0, 30)),
)


class Story:
    """Plays a list of steps against a batcher, beside the plainest account of what must happen."""

    def __init__(self, batch: int, failing: frozenset[int]) -> None:
        self.failing = failing
        self.work = SlowWork(lambda item: KeyError(item) if item in failing else -item)
        self.batcher: Batcher[int, Any] = Batcher(self.work, Limits(batch=batch))
        self.batch = batch
        self.tasks: dict[int, asyncio.Task[Any]] = {}
        self.computing: list[int] = []
        self.waiting: list[int] = []
        self.left: set[int] = set()
        self.finished: list[int] = []

    async def play(self, told: list[Step]) -> None:
        for name, chosen in told:
            await getattr(self, f"on_{name}")(chosen)
            assert self.batcher.waiting == len(self.waiting)
        while self.computing:
            await self.on_end(0)
        assert await asyncio.to_thread(self.batcher.close, PATIENCE)
        assert self.work.idle

    async def on_ask(self, _chosen: int) -> None:
        item = len(self.tasks) + 1
        (self.tasks[item],) = await ask(self.batcher, item)
        self.tasks[item].add_done_callback(lambda _task: self.finished.append(item))
        self.waiting.append(item)
        if not self.computing:
            self.expect_batch()

    async def on_end(self, _chosen: int) -> None:
        if not self.computing:
            return
        self.work.end()
        done = [item for item in self.computing if item not in self.left]
        told = await asyncio.gather(*(self.tasks[item] for item in done), return_exceptions=True)
        assert [isinstance(answer, KeyError) for answer in told] == [item in self.failing for item in done]
        assert [answer for answer in told if not isinstance(answer, KeyError)] == [
            -item for item in done if item not in self.failing
        ]
        assert self.finished[len(self.finished) - len(done) :] == done
        self.computing = []
        if self.waiting:
            self.expect_batch()

    async def on_leave(self, chosen: int) -> None:
        there = [item for item in self.computing + self.waiting if item not in self.left]
        if not there:
            return
        item = there[chosen % len(there)]
        self.tasks[item].cancel()
        await asyncio.wait([self.tasks[item]])
        assert self.tasks[item].cancelled()
        self.left.add(item)
        self.waiting = [other for other in self.waiting if other != item]

    def expect_batch(self) -> None:
        self.computing, self.waiting = self.waiting[: self.batch], self.waiting[self.batch :]
        assert self.work.next_batch() == self.computing


@settings(max_examples=60, deadline=None)
@given(told=st.lists(step, max_size=40), batch=st.integers(1, 5), failing=st.frozensets(st.integers(1, 20)))
def test_whatever_happens_each_is_answered_once_in_order_and_alone_in_its_failure(
    told: list[Step], batch: int, failing: frozenset[int]
) -> None:
    async def act() -> Story:
        story = Story(batch, failing)
        try:
            await asyncio.wait_for(story.play(told), PATIENCE)
        finally:
            story.work.end(1000)
        return story

    story = asyncio.run(act())
    assert sorted(story.finished) == sorted(story.tasks)


def test_many_threads_of_callers_are_each_answered_their_own() -> None:
    batches: list[int] = []
    batcher: Batcher[int, int] = Batcher(lambda items: [item + 1 for item in items], seen=batches.append)

    async def crowd(first: int) -> list[int]:
        return await asyncio.gather(*(batcher.submit(item) for item in range(first, first + 50)))

    answers: dict[int, list[int]] = {}
    threads = [
        threading.Thread(target=lambda first=first: answers.update({first: asyncio.run(crowd(first))}))
        for first in (0, 1000, 2000)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert batcher.close(PATIENCE)
    assert answers == {first: list(range(first + 1, first + 51)) for first in (0, 1000, 2000)}
    assert sum(batches) == 150
    assert max(batches) <= Limits().batch


# What goes wrong


@pytest.mark.parametrize("failure", [ValueError("no"), StopIteration(), SystemExit(3)], ids=repr)
def test_a_failure_of_the_work_reaches_its_batch_only(failure: BaseException) -> None:
    def work(items: list[int]) -> Sequence[int]:
        if 2 in items:
            raise failure
        return items

    async def act(batcher: Batcher[int, Any]) -> None:
        assert await batcher.submit(1) == 1
        with pytest.raises(ValueError if isinstance(failure, ValueError) else RuntimeError):
            await batcher.submit(2)
        assert await batcher.submit(3) == 3

    with_batcher(work, act)


def test_work_that_forgets_an_item_answers_nobody_wrongly() -> None:
    async def act(batcher: Batcher[int, Any]) -> None:
        with pytest.raises(AssertionError, match="1 items must give as many results, not 2"):
            await batcher.submit(1)

    with_batcher(lambda items: [*items, 0], act)


def test_a_full_queue_refuses_the_next_and_takes_again_when_one_leaves() -> None:
    work = SlowWork()

    async def act(batcher: Batcher[int, Any]) -> None:
        await ask(batcher, 1)
        work.next_batch()
        second, third = await ask(batcher, 2, 3)
        with pytest.raises(OverloadedError) as refused:
            await batcher.submit(4)
        assert refused.value.retry_after == 7
        second.cancel()
        await asyncio.wait([second])
        (fifth,) = await ask(batcher, 5)
        work.end()
        assert work.next_batch() == [3, 5]
        work.end()
        assert await asyncio.gather(third, fifth) == [30, 50]

    with_batcher(work, act, Limits(waiting=2, retry_after=7))


def test_a_deadline_takes_the_request_out_of_the_queue() -> None:
    work = SlowWork()

    async def act(batcher: Batcher[int, Any]) -> None:
        await ask(batcher, 1)
        work.next_batch()
        with pytest.raises(DeadlineError, match="within 0.01 seconds"):
            await batcher.submit(2, within=0.01)
        assert batcher.waiting == 0

    with_batcher(work, act)


def test_a_timeout_of_the_work_is_not_taken_for_the_deadline() -> None:
    async def act(batcher: Batcher[int, Any]) -> None:
        with pytest.raises(TimeoutError, match="the ledger"):
            await batcher.submit(1, within=PATIENCE)

    with_batcher(lambda items: [TimeoutError("the ledger") for _ in items], act)


# The end


def test_closing_computes_what_waits_and_takes_no_more() -> None:
    work = SlowWork()

    async def act(batcher: Batcher[int, Any]) -> None:
        tasks = await ask(batcher, 1)
        work.next_batch()
        tasks += await ask(batcher, 2, 3)
        work.end(2)
        assert await asyncio.to_thread(batcher.close, PATIENCE)
        assert await asyncio.gather(*tasks) == [10, 20, 30]
        with pytest.raises(StoppingError):
            await batcher.submit(4)

    with_batcher(work, act)


def test_closing_in_haste_tells_those_who_wait() -> None:
    work = SlowWork()

    async def act(batcher: Batcher[int, Any]) -> None:
        (first,) = await ask(batcher, 1)
        work.next_batch()
        (second,) = await ask(batcher, 2)
        assert not await asyncio.to_thread(batcher.close, 0.01)
        with pytest.raises(StoppingError):
            await second
        work.end()
        assert await first == 10

    with_batcher(work, act)


def test_a_batcher_that_nobody_asked_closes() -> None:
    assert Batcher(lambda items: items).close(0)


def test_results_for_a_loop_that_has_closed_are_dropped() -> None:
    work = SlowWork()
    batcher: Batcher[int, Any] = Batcher(work)

    async def leave() -> None:
        await ask(batcher, 1)
        work.next_batch()

    asyncio.run(leave())
    work.end(2)
    assert asyncio.run(batcher.submit(2)) == 20
    assert batcher.close(PATIENCE)


# Results that are yet to come


def test_a_result_that_is_a_future_is_waited_for_while_the_next_batch_is_computed() -> None:
    recorded: dict[int, Future[str]] = {1: Future(), 2: Future()}

    async def act(batcher: Batcher[int, Any]) -> None:
        first, second = [*await ask(batcher, 1), *await ask(batcher, 2)]
        threading.Thread(target=recorded[2].set_result, args=("two",)).start()
        assert await second == "two"
        assert not first.done()
        recorded[1].set_exception(ValueError("one"))
        with pytest.raises(ValueError, match="one"):
            await first

    with_batcher(lambda items: [recorded[item] for item in items], act)


def test_the_deadline_counts_until_the_future_ends() -> None:
    async def act(batcher: Batcher[int, Any]) -> None:
        with pytest.raises(DeadlineError):
            await batcher.submit(1, 0.01)

    with_batcher(lambda items: [Future() for _ in items], act)
