"""The report in a real browser: it draws, it is quiet, it asks for nothing, and everybody can read it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scorewright.report.gathered import Report
from scorewright.report.page import write_page
from tests.unit.report import made

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright drives the browser: make install-dev.")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core judges the page: make install-dev.")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDE, NARROW = (1280, 900), (390, 844)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="No chromium on the path: apt-get install chromium.")


@dataclass
class Visit:
    """A page as it was opened, with what was said and asked for meanwhile."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports as files: with every part, with few, and with hostile names."""
    place = tmp_path_factory.mktemp("reports")
    reports: dict[str, Report] = {
        "full": made.report(),
        "bare": made.bare(),
        "hostile": made.report(made.HOSTILE, made.HOSTILE),
    }
    for name, report in reports.items():
        (place / f"{name}.html").write_text(write_page(report), encoding="utf-8")
    return place


def visit(browser: Any, path: Path, size: tuple[int, int] = WIDE, scheme: str = "light") -> Visit:
    """Open a file in a window of its own and wait until its charts are drawn."""
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme).new_page()
    seen = Visit(page)
    page.on("console", lambda message: seen.said.append(message.text))
    page.on("pageerror", lambda error: seen.said.append(str(error)))
    page.on("request", lambda request: seen.asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]", timeout=30_000)
    return seen


@pytest.mark.parametrize("name", ["full", "bare", "hostile"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_it_is_quiet_and_asks_for_nothing(browser: Any, folder: Path, name: str, size: tuple[int, int]) -> None:
    path = folder / f"{name}.html"
    seen = visit(browser, path, size)
    assert seen.said == []
    assert seen.asked == [path.as_uri()]
    seen.page.context.close()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_chart_is_drawn_inside_the_window(browser: Any, folder: Path, size: tuple[int, int]) -> None:
    page = visit(browser, folder / "full.html", size).page
    boxes = [chart.bounding_box() for chart in page.query_selector_all("[data-chart] > svg")]
    assert len(boxes) == page.locator("[data-chart]").count() == 16
    assert all(box["width"] > 250 and box["height"] > 60 and box["x"] + box["width"] <= size[0] for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.context.close()


@pytest.mark.parametrize(("name", "scheme"), [("full", "light"), ("full", "dark"), ("bare", "light")])
def test_axe_finds_no_serious_violation(browser: Any, folder: Path, name: str, scheme: str) -> None:
    page = visit(browser, folder / f"{name}.html", scheme=scheme).page
    for summary in page.query_selector_all("summary"):
        summary.click()
    found = axe.Axe().run(page).response["violations"]
    assert [f"{each['impact']}: {each['id']}" for each in found if each["impact"] in {"serious", "critical"}] == []
    page.context.close()


def test_the_check_of_axe_can_fail(browser: Any) -> None:
    page = browser.new_page()
    page.set_content("<html><title>x</title><img src='data:,'></html>")
    assert axe.Axe().run(page).violations_count > 0
    page.close()


def test_hostile_names_run_nothing(browser: Any, folder: Path) -> None:
    page = visit(browser, folder / "hostile.html").page
    assert page.locator("h1").inner_text().startswith(made.HOSTILE)
    assert page.locator("script").count() == 17  # the one that draws, and the data of each chart
    page.context.close()


def test_the_keyboard_reaches_contents_tables_and_numbers(browser: Any, folder: Path) -> None:
    page = visit(browser, folder / "full.html").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    met = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        met.add(page.evaluate("document.activeElement.localName"))
    assert {"a", "summary", "div"} <= met
    page.context.close()


def test_on_paper_it_is_light_and_nothing_is_cut_off(browser: Any, folder: Path) -> None:
    page = visit(browser, folder / "full.html", (794, 1123), "dark").page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
    page.context.close()
