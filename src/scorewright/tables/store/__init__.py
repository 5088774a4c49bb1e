"""The client store: raw rows of known clients, found by id in milliseconds.

A folder, written once and whole: for each table a Parquet file whose rows lie in the order of the applications they
belong to, an index that says where each application's rows begin, and a manifest with the hash of every file.
"""

from __future__ import annotations

from scorewright.tables.store.building import StoreBuilt, build_store
from scorewright.tables.store.reading import ParquetClientStore, open_store

__all__ = ["ParquetClientStore", "StoreBuilt", "build_store", "open_store"]
