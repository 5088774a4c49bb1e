"""Time and memory of generating a sample of the official size, in a process of its own.

``make bench-sample`` writes ``benchmarks/sample.md`` and ``sample.json``; the tables go to a temporary folder.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from report import today, write_report

APPLICATIONS = 307_511
#: Rows of the public data set, by table.
OFFICIAL = {
    "application_train": 307_511,
    "application_test": 48_744,
    "bureau": 1_716_428,
    "bureau_balance": 27_299_925,
    "previous_application": 1_670_214,
    "POS_CASH_balance": 10_001_358,
    "installments_payments": 13_605_401,
    "credit_card_balance": 3_840_312,
}
BUDGET_GIB = 4.0


def main() -> None:
    """Generate, measure, write."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "sample"
        command = [str(Path(sys.executable).parent / "scorewright"), "sample", str(out)]
        began = time.perf_counter()
        subprocess.run([*command, "--applications", str(APPLICATIONS)], check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
        rows = {name: pl.scan_parquet(out / f"{name}.parquet").select(pl.len()).collect().item() for name in OFFICIAL}
    figures = {f"{name}.share_of_official": rows[name] / official for name, official in OFFICIAL.items()}
    write_report(
        Path(__file__).with_suffix(""),
        title="A sample of the official size",
        notes=(
            f"{today()}; `make bench-sample`; seed 7.",
            f"Peak memory {peak:.2f} GiB (budget {BUDGET_GIB:.0f}), {seconds:.0f} s.",
        ),
        header=("table", "rows", "official rows", "share"),
        rows=[(n, f"{rows[n]:,}", f"{o:,}", f"{rows[n] / o:.3f}") for n, o in OFFICIAL.items()],
        figures={**figures, "peak_gib": peak, "seconds": seconds},
    )
    print(f"{sum(rows.values()):,} rows, peak {peak:.2f} GiB, {seconds:.0f} s")


if __name__ == "__main__":
    main()
