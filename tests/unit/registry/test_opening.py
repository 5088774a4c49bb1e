from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scorewright.errors import SettingsError
from scorewright.registry import open_registry
from scorewright.registry.folder_registry import FolderRegistry


@pytest.mark.parametrize("uri", ["folder", "folder:"])
def test_a_folder_is_under_home(tmp_path: Path, uri: str) -> None:
    assert isinstance(open_registry(uri, tmp_path), FolderRegistry)
    assert list(tmp_path.iterdir()) == []  # nothing is written before there is something to keep


@pytest.mark.parametrize("uri", ["", "s3://bucket", "sqlite://", "mlflow:", "folders", "file:///srv/mlruns"])
def test_anything_else_is_refused_with_examples(tmp_path: Path, uri: str) -> None:
    with pytest.raises(SettingsError, match=r"Write for example folder:"):
        open_registry(uri, tmp_path)


def test_a_refusal_shows_no_password(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        open_registry("ftp://lender:secret@host/models", tmp_path)
    assert "secret" not in str(refusal.value)
    assert "host/models" in str(refusal.value)


def run(program: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(folder)], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_without_mlflow_the_message_names_what_to_install(tmp_path: Path) -> None:
    told = run(
        "import sys; from pathlib import Path\n"
        "sys.modules['mlflow'] = None\n"
        "from scorewright.errors import SettingsError\n"
        "from scorewright.registry import open_registry\n"
        "try: open_registry('mlflow', Path(sys.argv[1]))\n"
        "except SettingsError as error: print(error.remedy)",
        tmp_path,
    )
    assert "scorewright[train]" in told
    assert "folder" in told


def test_a_folder_registry_loads_neither_mlflow_nor_altair(tmp_path: Path) -> None:
    told = run(
        "import sys; from pathlib import Path\n"
        "from scorewright.registry import open_registry\n"
        "open_registry('folder', Path(sys.argv[1])).versions('lender')\n"
        "print(sorted({'mlflow', 'altair', 'vl_convert', 'pandas', 'sqlalchemy'} & set(sys.modules)))",
        tmp_path,
    )
    assert told.strip() == "[]"
