"""Frozen values that cross between rooms. Nothing here reads, writes or computes a model."""
