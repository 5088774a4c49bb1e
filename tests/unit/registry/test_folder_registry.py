from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scorewright.errors import RegistryUnusableError
from scorewright.registry.folder_registry import FolderRegistry

VERSION = {
    "version": "1",
    "bundle": "ab" * 32,
    "candidate": "trees",
    "run": "r",
    "created": "2024-02-29T12:00:00+00:00",
}


def shelf(root: Path, content: bytes) -> FolderRegistry:
    (root / "portfolios").mkdir(parents=True, exist_ok=True)
    (root / "portfolios" / "lender.json").write_bytes(content)
    return FolderRegistry(root)


def test_fields_that_other_versions_wrote_are_passed_over(tmp_path: Path) -> None:
    content = {"protocol": 1, "versions": [{**VERSION, "metrics": {"auc": 0.7}}], "aliases": {"champion": ["1"]}}
    version = shelf(tmp_path, json.dumps(content).encode()).version("lender", "champion")
    assert (version.version, version.aliases) == ("1", ("champion",))
    assert version.created == datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b'{"versions": [{}], "aliases": {}}',
        b'{"versions": [], "aliases": []}',
    ],
)
def test_versions_that_make_no_sense_are_told(tmp_path: Path, content: bytes) -> None:
    registry = shelf(tmp_path, content)
    with pytest.raises(RegistryUnusableError, match=r"lender\.json"):
        registry.versions("lender")
    with pytest.raises(RegistryUnusableError, match=r"lender\.json"):
        registry.version("lender", "champion")


def test_a_root_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RegistryUnusableError):
        FolderRegistry(tmp_path / "file").versions("lender")
