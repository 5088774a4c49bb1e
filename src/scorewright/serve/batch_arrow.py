"""Decide many applications in one request, answered as they come: Arrow IPC stream in, Arrow IPC stream out.

Each row of a record batch is an application. A column of plain values (numbers, texts also as dictionaries, booleans,
days, times) is a column of the root table; a column of lists of structs is a history, named as its table, its fields
the columns of that table. An empty or null list says that there are no rows. A null is no value, and so is NaN.

The answer is a stream of `scorewright.serve.arrow_rows.ANSWERS`: one row per application, in the same order, as
`scorewright.serve.batch` says them in NDJSON, except that keys of applications are text. What ends a stream early is
told as one last row, at the position of the first application that was not read; what cannot be read from its schema
on is raised before anything is answered.

Record batches are decided one by one, in chunks; small ones cost more per application. Their buffers must not be
compressed, and none may be larger than the limit: both could fill the memory.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

import pyarrow as pa

from scorewright.errors import ScorewrightError
from scorewright.serve.arrow_rows import ANSWERS, Columns, bodies_of, columns_of, encode, spans_of
from scorewright.serve.arrow_stream import END, Decoder, Message, Messages, not_arrow
from scorewright.serve.batch import Batch, Read, closing


async def answer_arrow(chunks: AsyncIterable[bytes], batch: Batch) -> AsyncGenerator[bytes, None]:
    """Decide the applications of an Arrow stream and give the stream that answers them, chunk by chunk.

    Parameters
    ----------
    chunks : async iterable of bytes
        The body as it arrives, in portions of any size.
    batch : Batch
        What decides, where, and in how much memory.

    Raises
    ------
    BodyNotArrowError, BodyShapeError, BodyTooLargeError
        Before anything is answered: the schema cannot be read, or holds what no application is made of.
    """
    position, reading = 0, _Reading(batch)
    async with aclosing(_messages(chunks, batch.limits.message_bytes)) as messages:
        reading.open(await anext(messages, None))
        yield ANSWERS.serialize().to_pybytes()
        try:
            async for message in messages:
                for start, stop in await reading.take(message):
                    yield await reading.decide(position, start, stop)
                    position += stop - start
        except ScorewrightError as error:
            yield encode(batch.rows(position, [error]))
    yield END


async def _messages(chunks: AsyncIterable[bytes], largest: int) -> AsyncGenerator[Message, None]:
    messages = Messages(largest)
    async with closing(chunks):
        async for chunk in chunks:
            for message in messages.feed(chunk):
                yield message
    messages.end()


class _Reading:
    """What of a stream is in memory: its schema, its dictionaries, one record batch."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._decoder: Decoder
        self._columns: Columns
        self._records: pa.RecordBatch

    def open(self, message: Message | None) -> None:
        """Read the schema."""
        if message is None:
            raise not_arrow("an empty body")
        self._decoder = Decoder(message, self._batch.limits.message_bytes)
        self._columns = columns_of(self._decoder.schema)

    async def take(self, message: Message) -> list[tuple[int, int]]:
        """Read a message, and say which of its rows are decided at a time."""

        def decode() -> list[tuple[int, int]]:
            records = self._decoder.decode(message)
            if records is None:
                return []
            self._records = records
            return spans_of(records, self._columns, self._batch.limits)

        return await self._batch.work(decode)

    async def decide(self, position: int, start: int, stop: int) -> bytes:
        """Decide some rows of the record batch."""

        def decide() -> bytes:
            return encode(self._batch.rows(position, self._read(start, stop)))

        try:
            return await self._batch.work(decide)
        except ScorewrightError as error:
            return encode(self._batch.rows(position, [error] * (stop - start)))

    def _read(self, start: int, stop: int) -> list[Read]:
        return bodies_of(self._records.slice(start, stop - start), self._columns, self._batch.limits)
