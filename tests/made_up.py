"""Tables that several kinds of tests share."""

from __future__ import annotations

import polars as pl


def loans(rows: int = 400) -> pl.DataFrame:
    """Loans whose outcome depends on income, purpose and date; numbers, text, dates, an id and gaps."""
    index = pl.int_range(rows, eager=True)
    noise = (index * 7919 % 1009) / 1009
    income = 1000 + (index * 104729 % 5003)
    purpose = pl.Series([("car", "home", "travel")[i % 3] for i in range(rows)])
    risk = 0.45 - income / 15000 + (purpose == "travel") * 0.25
    return pl.DataFrame(
        {
            "loan id": [f"L{i:05d}" for i in range(rows)],
            "income": [None if i % 17 == 0 else float(v) for i, v in enumerate(income)],
            "order": index % 5,
            "purpose": [None if i % 23 == 0 else v for i, v in enumerate(purpose)],
            "opened": pl.date_range(pl.date(2019, 1, 1), pl.date(2019, 1, 1) + pl.duration(days=rows - 1), eager=True),
            "remark": [f"note {i * 31 % 997}" for i in range(rows)],
            "status": [("paid", "charged off")[int(n < r)] for n, r in zip(noise, risk, strict=True)],
        }
    )
