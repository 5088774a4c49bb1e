from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parent.parent

# A machine that is busy is no failure; what a test draws must not differ between two runs of the same change. New draws
# are for `make nightly`.
settings.register_profile("usual", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("nightly", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "usual")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data, read and never copied; the test is skipped where it is absent."""
    folder = Path(os.environ.get("SCOREWRIGHT_REAL_DATA") or CHECKOUT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"The real data are not here: SCOREWRIGHT_REAL_DATA names no folder ({folder}).")
    return folder
