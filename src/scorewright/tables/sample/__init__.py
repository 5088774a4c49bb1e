"""A made-up Home Credit portfolio: seven linked tables from a latent risk process, without a single real row."""

from __future__ import annotations

from scorewright.tables.sample.settings import SampleConfig, SampleSummary
from scorewright.tables.sample.writing import write_sample

__all__ = ["SampleConfig", "SampleSummary", "write_sample"]
