"""Cut an Arrow IPC stream that arrives in any portions into messages, and refuse what cannot be read in bounded memory.

The stream is a schema, then record batches and the dictionaries they use, then its end
(https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format). pyarrow reads such a stream from a file that
blocks; here messages are cut out as bytes arrive. Of their metadata, which are FlatBuffers, only what this needs is
read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from scorewright.errors import BodyNotArrowError, BodyTooLargeError

SCHEMA: Final = 1
DICTIONARY: Final = 2
RECORDS: Final = 3

_CONTINUATION = b"\xff\xff\xff\xff"
_PREFIX = 8
END = _CONTINUATION + bytes(4)


@dataclass(frozen=True)
class Message:
    """One message of a stream.

    Parameters
    ----------
    kind : int
        `SCHEMA`, `DICTIONARY` or `RECORDS`.
    content : bytes
        The whole message, framed as in the stream.
    dictionary : int
        Which dictionary it brings; 0 for other kinds.
    delta : bool
        Whether it adds to that dictionary.
    """

    kind: int
    content: bytes
    dictionary: int = 0
    delta: bool = False


class Messages:
    """Cuts bytes that arrive in any portions into messages of at most `largest` bytes."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._buffer = bytearray()
        self._ended = False

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Give the messages that a portion completes.

        Raises
        ------
        BodyNotArrowError
            What arrives is no Arrow stream, is compressed, or goes on behind its end.
        BodyTooLargeError
            A message is too large.
        """
        self._buffer += chunk
        while (size := self._next_size()) is not None and len(self._buffer) >= size:
            content = bytes(self._buffer[:size])
            del self._buffer[:size]
            if content == END:
                self._ended = True
            else:
                yield _message(content)

    def end(self) -> None:
        """Accept the end of the body.

        Raises
        ------
        BodyNotArrowError
            It falls into a message.
        """
        if self._buffer:
            raise not_arrow("the end of the body within a message")

    def _next_size(self) -> int | None:
        """Bytes of the message that comes next, None as long as that cannot be known."""
        if self._ended and self._buffer:
            raise not_arrow("bytes behind the end of the stream")
        if len(self._buffer) < _PREFIX:
            return None
        if not self._buffer.startswith(_CONTINUATION):
            raise not_arrow("bytes that begin no message")
        size = int.from_bytes(self._buffer[4:_PREFIX], "little", signed=True)
        if size == 0:
            return _PREFIX
        whole = _PREFIX + self._within(size)
        if len(self._buffer) < whole:
            return None
        return self._within(whole + self._within(_Flat(bytes(self._buffer[_PREFIX:whole])).body_length))

    def _within(self, size: int) -> int:
        if size < 0:
            raise not_arrow("a message of negative length")
        if size > self._largest:
            rule = f"An Arrow message must have at most {self._largest} bytes."
            raise BodyTooLargeError(rule, "more", "Write smaller record batches.")
        return size


class Decoder:
    """Makes record batches of messages: keeps the schema and the dictionaries that are in force.

    Parameters
    ----------
    schema : Message
        The first message.
    largest : int
        Most bytes of all dictionaries together.
    """

    def __init__(self, schema: Message, largest: int) -> None:
        if schema.kind != SCHEMA:
            raise not_arrow("a stream that does not begin with its schema")
        self._largest = largest
        self._opening = schema.content
        self._dictionaries: dict[int, list[bytes]] = {}
        try:
            self.schema = pa.ipc.read_schema(pa.py_buffer(schema.content))
        except (pa.ArrowException, OSError):
            raise not_arrow("a schema that cannot be read") from None

    def decode(self, message: Message) -> pa.RecordBatch | None:
        """Read a message: a record batch, checked value by value, or None where it brings none.

        Raises
        ------
        BodyNotArrowError
            The message contradicts itself or the schema, or has more rows than bytes.
        BodyTooLargeError
            All dictionaries together are too large.
        """
        if message.kind == DICTIONARY:
            self._keep(message)
            return None
        if message.kind != RECORDS:
            raise not_arrow("a message that is no record batch")
        known = b"".join(part for parts in self._dictionaries.values() for part in parts)
        try:
            stream = pa.ipc.open_stream(pa.py_buffer(self._opening + known + message.content + END))
            batch = stream.read_next_batch()
            batch.validate(full=True)
        except (pa.ArrowException, OSError, StopIteration):
            raise not_arrow("a record batch that cannot be read") from None
        if batch.num_rows > len(message.content):
            raise not_arrow("a record batch of more rows than bytes")
        return batch

    def _keep(self, message: Message) -> None:
        before = self._dictionaries.get(message.dictionary, []) if message.delta else []
        self._dictionaries[message.dictionary] = [*before, message.content]
        if sum(len(part) for parts in self._dictionaries.values() for part in parts) > self._largest:
            rule = f"The dictionaries of an Arrow stream must have at most {self._largest} bytes."
            raise BodyTooLargeError(rule, "more", "Send texts that hardly repeat as plain text.")


def not_arrow(found: str) -> BodyNotArrowError:
    """Say what was found instead of a stream that can be read."""
    return BodyNotArrowError(
        "The body must be an Arrow IPC stream, not compressed: a schema, then record batches.",
        found,
        "Write it with an IPC stream writer, without compression of its buffers.",
    )


def _message(content: bytes) -> Message:
    size = int.from_bytes(content[4:_PREFIX], "little")
    flat = _Flat(content[_PREFIX : _PREFIX + size])
    kind = flat.kind
    if kind in {DICTIONARY, RECORDS} and flat.compressed:
        raise not_arrow("compressed buffers")
    return Message(kind, content, flat.dictionary, flat.delta) if kind == DICTIONARY else Message(kind, content)


class _Flat:
    """The few fields of a message's metadata that are needed (``Message.fbs`` of the Arrow format)."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._message = self._read("<I", 0)

    @property
    def kind(self) -> int:
        """``Message.header_type``."""
        return self._scalar(self._message, 1, "<B")

    @property
    def body_length(self) -> int:
        """``Message.bodyLength``."""
        return self._scalar(self._message, 3, "<q")

    @property
    def dictionary(self) -> int:
        """``DictionaryBatch.id``."""
        return self._scalar(self._table(self._message, 2), 0, "<q")

    @property
    def delta(self) -> bool:
        """``DictionaryBatch.isDelta``."""
        return bool(self._scalar(self._table(self._message, 2), 2, "<B"))

    @property
    def compressed(self) -> bool:
        """Whether ``RecordBatch.compression`` is there."""
        header = self._table(self._message, 2)
        records = header if self.kind == RECORDS else self._table(header, 1)
        return self._field(records, 3) is not None

    def _table(self, table: int, slot: int) -> int:
        place = self._field(table, slot)
        if place is None:
            raise not_arrow("a message without header")
        return place + self._read("<I", place)

    def _scalar(self, table: int, slot: int, form: str) -> int:
        place = self._field(table, slot)
        return 0 if place is None else self._read(form, place)

    def _field(self, table: int, slot: int) -> int | None:
        """Place of a field, None where a table leaves it out."""
        fields = table - self._read("<i", table)
        entry = 4 + 2 * slot
        offset = self._read("<H", fields + entry) if entry < self._read("<H", fields) else 0
        return table + offset if offset else None

    def _read(self, form: str, place: int) -> int:
        try:
            if place < 0:
                raise not_arrow("metadata that cannot be read")
            return int(struct.unpack_from(form, self._content, place)[0])
        except struct.error:
            raise not_arrow("metadata that cannot be read") from None
