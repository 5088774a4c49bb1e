from __future__ import annotations

from pathlib import Path

import pytest

from scorewright.bootstrap import Settings, Workbench
from scorewright.errors import SettingsError


@pytest.mark.parametrize("inside", ["", "home"])
def test_a_home_that_cannot_be_a_folder_is_told(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").touch()
    workbench = Workbench(Settings(home=tmp_path / "file" / inside, registry="folder"))
    with pytest.raises(SettingsError, match="SCOREWRIGHT_HOME"):
        workbench.registry  # noqa: B018 - opening it is what fails


def test_a_home_is_made_when_needed(tmp_path: Path) -> None:
    workbench = Workbench(Settings(home=tmp_path / "new" / "home", registry="folder"))
    assert workbench.registry.portfolios() == ()
    assert workbench.shelves.bundles.parent.is_dir()
