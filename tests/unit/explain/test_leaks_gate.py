from __future__ import annotations

from dataclasses import replace

import pytest

from scorewright.domain.explanations import Finding
from scorewright.errors import SettingsError
from scorewright.explain.leaks.gate import gate, refusals, unasked
from scorewright.explain.leaks.suspicion import Suspect, grouped, in_order, severity

FINDING = Finding("separation", "refuse", ("bureau.LOSS",), ("loss", "ratio"), 0.9, 0.85, "Seen.", "Why.", "Remedy.")


@pytest.mark.parametrize("name", ["bureau.LOSS", "LOSS"])
def test_a_column_is_allowed_by_its_name(name: str) -> None:
    (finding,) = gate([FINDING], {name: " known in time "})
    assert finding.allowed == "known in time"
    assert refusals([finding]) == ()
    assert unasked([FINDING], {name: "known in time"}) == ()


def test_all_columns_must_be_allowed() -> None:
    both = replace(FINDING, columns=("bureau.LOSS", "bureau.DAY"))
    assert gate([both], {"bureau.LOSS": "one"})[0].allowed == ""
    assert gate([both], {"bureau.LOSS": "one", "bureau.DAY": "two"})[0].allowed == "one; two"
    assert gate([both], {"bureau.LOSS": "same", "bureau.DAY": "same"})[0].allowed == "same"


def test_or_all_features() -> None:
    assert gate([FINDING], {"loss": "one"})[0].allowed == ""
    assert gate([FINDING], {"loss": "one", "ratio": "two"})[0].allowed == "one; two"


def test_a_finding_without_features_is_not_allowed_by_none() -> None:
    assert gate([replace(FINDING, features=())], {"other": "reason"})[0].allowed == ""


@pytest.mark.parametrize("reason", ["", "  "])
def test_nothing_is_allowed_without_a_reason(reason: str) -> None:
    with pytest.raises(SettingsError, match="none for LOSS"):
        gate([FINDING], {"LOSS": reason})


def test_only_the_gravest_that_are_not_allowed_stop() -> None:
    warn, note = replace(FINDING, severity="warn"), replace(FINDING, severity="note")
    assert refusals([note, warn, FINDING]) == (FINDING,)
    assert in_order([note, warn, FINDING]) == (FINDING, warn, note)


def test_a_name_that_no_finding_asks_for_is_told() -> None:
    assert unasked([FINDING], {"bureau.LOS": "misspelt", "ratio": "asked"}) == ("bureau.LOS",)


@pytest.mark.parametrize(
    ("value", "luck", "expected"),
    [(0.7, 0.5, None), (0.8, 0.5, "warn"), (0.85, 0.5, "refuse"), (0.85, 0.9, None), (0.9, 0.9, "refuse")],
)
def test_bounds_are_raised_where_luck_reaches_them(value: float, luck: float, expected: str | None) -> None:
    assert severity(value, 0.8, 0.85, luck) == expected


def test_the_simplest_is_blamed_and_explains_the_others() -> None:
    ratio = Suspect(0.99, ("t.A", "t.B"), ("ratio",))
    plain = Suspect(0.9, ("t.A",), ("plain",))
    other = Suspect(0.95, ("t.C",), ("other",))
    found = grouped([ratio, plain, other])
    assert [(one.columns, one.features, one.value) for one in found] == [
        (("t.A",), ("ratio", "plain"), 0.99),
        (("t.C",), ("other",), 0.95),
    ]
