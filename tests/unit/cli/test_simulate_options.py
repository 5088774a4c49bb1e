from __future__ import annotations

import pytest
import typer.main
from typer.testing import CliRunner

from scorewright.cli.app import app
from scorewright.cli.simulate import cost_matrix
from scorewright.domain.costs import CostMatrix
from scorewright.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "missed", "refused"), [("12:1", 12.0, 1.0), ("0.5:0.25", 0.5, 0.25), (" 3 : 2 ", 3.0, 2.0)]
)
def test_costs_are_read_as_people_write_them(text: str, missed: float, refused: float) -> None:
    assert cost_matrix(text) == CostMatrix(missed, refused)


@pytest.mark.parametrize("text", ["", "10", "10:1:1", "ten:one", "0:1", "10:-1", "nan:1", "inf:1"])
def test_costs_are_two_numbers_above_0(text: str) -> None:
    with pytest.raises(SettingsError, match="Give 10:1"):
        cost_matrix(text)


def test_every_field_is_an_option_with_a_word_of_help() -> None:
    command = typer.main.get_command(app).commands["simulate"]  # type: ignore[attr-defined]
    names = {name for parameter in command.params for name in parameter.opts}
    assert {"--data", "--threshold", "--costs", "--refer", "--rule", "--lgd", "--without-rule", "--out"} <= names
    assert all(parameter.help for parameter in command.params if parameter.name != "help")


def test_a_rule_that_is_none_is_a_matter_of_usage() -> None:
    ran = CliRunner().invoke(app, ["simulate", "--data", "tables", "--rule", "luck"])
    assert ran.exit_code == 2


def test_a_simulation_changes_something() -> None:
    ran = CliRunner().invoke(app, ["simulate", "--data", "tables"])
    assert isinstance(ran.exception, SettingsError)
    assert "no change" in str(ran.exception)
