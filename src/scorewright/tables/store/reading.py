"""Look clients up in a store that was built."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scorewright.errors import StoreUnusableError, UnknownClientError
from scorewright.tables.store.building import KEYS
from scorewright.tables.store.manifest import INDEX, StoreManifest, read_manifest, table_file

Key = int | str
Rows = list[dict[str, Any]]

_INT64 = range(-(2**63), 2**63)
#: Arrow makes Python's values of so few sooner than Polars, which takes its time to begin.
_FEW_VALUES = 400

#: Digits of the longest int64.
_DIGITS = 19


@dataclass(frozen=True)
class _TextKeys(Sequence[str]):
    """Text keys in a memory-mapped array, read one by one."""

    array: pa.Array

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, position: Any) -> Any:
        return self.array[position].as_py()


class _Table:
    """One table's rows, in the order of the applications."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path, memory_map=True)
        groups = self._file.metadata.num_row_groups
        sizes = [self._file.metadata.row_group(group).num_rows for group in range(groups)]
        self._ends = np.cumsum(sizes, dtype=np.int64)
        self.rows = int(self._ends[-1]) if groups else 0

    def take(self, start: int, stop: int) -> Rows:
        """Read the rows from `start` to before `stop`."""
        if stop <= start:
            return []
        first, last = (int(group) for group in np.searchsorted(self._ends, (start, stop - 1), side="right"))
        read = self._file.read_row_groups(list(range(first, last + 1)), use_threads=False)
        before = int(self._ends[first - 1]) if first else 0
        wanted = read.slice(start - before, stop - start)
        few = wanted.num_rows * wanted.num_columns <= _FEW_VALUES
        rows: Rows = wanted.to_pylist() if few else pl.DataFrame(wanted).to_dicts()
        return rows


class ParquetClientStore:
    """Clients in a folder that `build_store` wrote; implements `scorewright.domain.clients.ClientStore`.

    The index is mapped into memory, tables are read from disk by row group. One lookup at a time reads: readers of
    Parquet are not safe to share.

    Parameters
    ----------
    folder : Path
        The folder.
    manifest : StoreManifest
        Its manifest, verified.
    """

    def __init__(self, folder: Path, manifest: StoreManifest) -> None:
        self.portfolio = manifest.portfolio
        self._root = manifest.root
        self._tables = {name: _Table(folder / table_file(name)) for name in manifest.tables}
        index = pa.ipc.open_file(pa.memory_map(str(folder / INDEX))).get_batch(0)
        self._starts = {name: index.column(name).to_numpy() for name in self._tables}
        keys = index.column(KEYS)
        self._keys: NDArray[np.int64] | _TextKeys = (
            keys.to_numpy() if pa.types.is_integer(keys.type) else _TextKeys(keys)
        )
        self._lock = Lock()

    def get(self, key: Key) -> dict[str, Any]:
        """Give the application of a client as ``POST /v1/decisions`` accepts it (see `ClientStore.get`).

        Raises
        ------
        UnknownClientError
            There is no such client.
        """
        place = self._place(key)
        if place is None:
            # The key asked for is not repeated: it names a person, and the caller knows it.
            raise UnknownClientError
        with self._lock:
            rows = {name: table.take(*self._span(name, place)) for name, table in self._tables.items()}
        return {**rows, self._root: rows[self._root][0]}

    def keys(self, prefix: str = "", limit: int = 100) -> tuple[Key, ...]:
        """List the first keys, ascending, whose text begins with `prefix`."""
        found: list[Key] = []
        for first, last in _spans(self._keys, prefix):
            found += [_plain(self._keys[place]) for place in range(first, min(last, first + limit - len(found)))]
        return tuple(found)

    def __len__(self) -> int:
        return len(self._keys)

    def _place(self, key: Key) -> int | None:
        wanted = key if isinstance(self._keys, _TextKeys) else _integer(key)
        if wanted is None:
            return None
        wanted = str(wanted) if isinstance(self._keys, _TextKeys) else wanted
        place = _left(self._keys, wanted)
        return place if place < len(self._keys) and self._keys[place] == wanted else None

    def _span(self, table: str, place: int) -> tuple[int, int]:
        starts = self._starts[table]
        stop = starts[place + 1] if place + 1 < len(starts) else self._tables[table].rows
        return int(starts[place]), int(stop)


def open_store(folder: Path) -> ParquetClientStore:
    """Open a client store: every file is held to its hash before it is read.

    Raises
    ------
    StoreUnusableError
        The folder is no client store, is damaged, or is of a newer protocol.
    """
    manifest = read_manifest(folder)
    try:
        store = ParquetClientStore(folder, manifest)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise StoreUnusableError(f"{folder}: {type(error).__name__}") from None
    if len(store) != manifest.applications:
        raise StoreUnusableError(f"{folder}: another number of applications than its manifest says")
    return store


def _integer(key: Key) -> int | None:
    """Read a key as an integer of 64 bits, None where it is none. A text must be written as the integer would be."""
    if isinstance(key, bool):
        return None
    if isinstance(key, str):
        digits = key.removeprefix("-")
        canonical = digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS and str(int(key)) == key
        return _integer(int(key)) if canonical else None
    return key if key in _INT64 else None


def _spans(keys: NDArray[np.int64] | _TextKeys, prefix: str) -> Iterator[tuple[int, int]]:
    """Ranges of positions, ascending, of the keys whose text begins with a prefix."""
    if isinstance(keys, _TextKeys):
        first = bisect_left(keys, prefix)
        yield first, _end_of_prefix(keys, prefix, first)
        return
    for low, high in _number_ranges(prefix):
        yield _left(keys, low), _left(keys, high)


def _end_of_prefix(keys: _TextKeys, prefix: str, first: int) -> int:
    """Position of the first key behind those that begin with a prefix."""
    return bisect_left(keys, 1, lo=first, key=lambda key: int(not key.startswith(prefix)))


def _number_ranges(prefix: str) -> list[tuple[int, int]]:
    """Half-open ranges, ascending, of the integers whose decimal text begins with a prefix.

    Examples
    --------
    >>> _number_ranges("12")[:3]
    [(12, 13), (120, 130), (1200, 1300)]
    """
    if prefix in {"", "-"}:
        return [(_INT64.start, 0 if prefix else _INT64.stop)]
    lead = _integer(prefix)
    if lead is None:
        return []
    if lead == 0:
        return [(0, 1)]
    size = abs(lead)
    ranges = [(size * 10**more, (size + 1) * 10**more) for more in range(_DIGITS + 1 - len(str(size)))]
    return ranges if lead > 0 else [(1 - high, 1 - low) for low, high in reversed(ranges)]


def _left(keys: NDArray[np.int64] | _TextKeys, wanted: Any) -> int:
    """Position of the first key that is not below the one wanted."""
    if isinstance(keys, _TextKeys):
        return bisect_left(keys, wanted)
    return int(np.searchsorted(keys, wanted)) if wanted in _INT64 else (0 if wanted < 0 else len(keys))


def _plain(key: Any) -> Key:
    return key if isinstance(key, str) else int(key)
