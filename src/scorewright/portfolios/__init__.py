"""Portfolios shipped with Scorewright: data files only, a `portfolio.toml` and `features/<table>.sql` each."""
