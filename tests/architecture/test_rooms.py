"""The contract of the rooms names every room, and every room in its order. `make check` holds the source to it."""

from __future__ import annotations

import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ROOMS = [
    {"cli"},
    {"bootstrap"},
    {"serve", "web"},
    {"flows"},
    {"registry", "ledger"},
    {"report"},
    {"bundle"},
    {"models", "decision", "explain", "monitor"},
    {"features"},
    {"tables"},
    {"atomic"},
    {"domain", "errors", "portfolios"},
]
HEAVY = {"altair", "fastapi", "lightgbm", "mlflow", "optuna", "shap", "sklearn", "sqlalchemy", "sqlglot", "typer"}


def contracts() -> list[dict[str, object]]:
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]


def layers_of(contract: dict[str, object]) -> list[set[str]]:
    layers = contract["layers"]
    assert isinstance(layers, list)
    return [{room.strip(" ()") for room in line.split("|")} for line in layers]


def test_contract_names_the_rooms_in_their_order() -> None:
    (rooms,) = [contract for contract in contracts() if contract["type"] == "layers"]
    assert layers_of(rooms) == ROOMS
    assert rooms["exhaustive"] is True


def test_every_folder_and_file_of_the_package_is_a_room() -> None:
    package = CHECKOUT / "src" / "scorewright"
    modules = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }
    assert modules - {"__init__", "__main__"} <= set().union(*ROOMS)


def test_every_heavy_library_has_a_contract() -> None:
    forbidden: set[str] = set()
    for contract in contracts():
        libraries = contract.get("forbidden_modules", [])
        assert isinstance(libraries, list)
        forbidden |= set(libraries)
    assert forbidden >= HEAVY
