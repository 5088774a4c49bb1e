from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "alembic",
    "altair",
    "cryptography",
    "fastapi",
    "lightgbm",
    "mlflow",
    "numpy",
    "optuna",
    "pandas",
    "polars",
    "pyarrow",
    "pydantic",
    "scipy",
    "shap",
    "sklearn",
    "sqlalchemy",
    "sqlglot",
    "uvicorn",
}
HEAVY_FOR_HELP = HEAVY - {"pydantic"}


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the top-level modules it left loaded."""
    tail = (
        "\nimport sys as _s\n_s.stderr.write('\\nLOADED ' + ' '.join({name.partition('.')[0] for name in _s.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + tail], capture_output=True, text=True, check=True
    )
    return set(done.stderr.rsplit("LOADED ", 1)[1].split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import scorewright") & HEAVY == set()


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from scorewright.cli import main
sys.argv = ["scorewright", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert loaded_after(code) & HEAVY_FOR_HELP == set()


def test_the_check_sees_a_heavy_import() -> None:
    assert "numpy" in loaded_after("import numpy")
