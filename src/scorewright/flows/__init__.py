"""Flows: train, compare, score, explain, watch, release. The only place where rooms meet."""
