"""Report on a registered model: gather what its page is written from, and write it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scorewright.atomic import whole_file
from scorewright.bundle.contents import open_bundle
from scorewright.errors import OutputError
from scorewright.flows.champion import chosen_portfolio
from scorewright.registry.seam import Registry
from scorewright.report.gathered import Report
from scorewright.report.page import write_page


@dataclass(frozen=True)
class Written:
    """A report that was written: what it is about, and its size in bytes."""

    report: Report
    size: int


def gather(registry: Registry, portfolio: str | None, wanted: str = "champion") -> Report:
    """Fetch and verify a version and the record of its training.

    Raises
    ------
    NoModelError
        There is no such version, or its training is gone.
    BundleError
        Its bundle is not the one that was registered.
    """
    version = registry.version(chosen_portfolio(registry, portfolio), wanted)
    bundle = open_bundle(registry.fetch(version), expected=version.bundle)
    return Report(registry.training(version), bundle, version.version, f"{version.created:%Y-%m-%d}")


def report_on(registry: Registry, portfolio: str | None, wanted: str, out: Path) -> Written:
    """Write the report on a version into one HTML file, whole or not at all.

    Raises
    ------
    NoModelError, BundleError
        As `gather` does.
    OutputError
        The file is no HTML file, or cannot be written.
    """
    if out.suffix not in {".html", ".htm"}:
        raise OutputError("A report is an HTML file.", out.name, "End the name in .html.")
    if not out.parent.is_dir():
        raise OutputError("The folder of the output must exist.", f"{out.parent}", "Create it, or choose another.")
    report = gather(registry, portfolio, wanted)
    page = write_page(report).encode()
    with whole_file(out) as unfinished:
        unfinished.write_bytes(page)
    return Written(report, len(page))
