from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tools import no_hosts, version_check

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "requirements").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("notes.md", "Fetch it from py" + "pi.org."),
        ("setup.cfg", "index_" + "url" + " = https://mirror.example/simple"),
        ("notes.md", "It lies in /" + "home/somebody/project."),
        ("requirements/all.txt", "numpy @ https://example.org/numpy.whl"),
        ("requirements/all.txt", "--extra-index" + "-url https://example.org"),
        ("notes.md", "Ask wheels.internal for it."),
    ],
)
def test_a_host_or_a_path_is_found(repository: Path, name: str, line: str) -> None:
    (repository / name).write_text(f"first line\n{line}\n", encoding="utf-8")
    found = no_hosts.problems(repository, {"PIP_INDEX_URL": "https://wheels.internal/simple"})
    assert found
    assert all(problem.startswith(f"{name}:2: ") for problem in found)


def test_what_may_be_named_is_not_found(repository: Path) -> None:
    (repository / "notes.md").write_text(
        "See https://doi.org/10.1000/1 and http://127.0.0.1:8000/docs.\n", encoding="utf-8"
    )
    (repository / "requirements" / "all.txt").write_text(
        "numpy==1 \\\n    --hash=sha256:00\n    # via me\n", encoding="utf-8"
    )
    assert no_hosts.problems(repository, {"PIP_INDEX_URL": "https://wheels.internal/simple"}) == []


def test_locks_bind_every_package_to_a_version_and_hashes() -> None:
    for lock in (CHECKOUT / "requirements").glob("*.txt"):
        entries = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").strip())
        assert [entry.splitlines()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_release_needs_tag_version_and_changelog_to_agree() -> None:
    changelog = "# Changelog\n\n## [1.2.3] - 2026-01-31\n"
    assert version_check.problems("v1.2.3", "1.2.3", changelog) == []
    assert len(version_check.problems("v1.2.4", "1.2.3", changelog)) == 1
    assert len(version_check.problems("v1.2.4", "1.2.4", changelog)) == 1


def test_git_ignores_no_file_that_the_package_needs() -> None:
    command = [
        "git",
        "-C",
        str(CHECKOUT),
        "ls-files",
        "--others",
        "--ignored",
        "--exclude-standard",
        "--",
        "src",
        "tools",
    ]
    ignored = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [name for name in ignored if "__pycache__" not in name and ".egg-info" not in name] == []
