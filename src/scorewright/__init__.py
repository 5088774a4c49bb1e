"""Scorewright turns a lender's own tables into credit decisions it can defend."""

from importlib.metadata import version

__version__ = version("scorewright")
