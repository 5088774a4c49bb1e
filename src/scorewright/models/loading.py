"""From sealed files back to the model that was sealed. Nothing in them is executed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scorewright.models import numbers
from scorewright.models.blend import Blend
from scorewright.models.linear import Linear
from scorewright.models.prior import Prior
from scorewright.models.scorecard import Scorecard
from scorewright.models.trees import Trees

if TYPE_CHECKING:
    from scorewright.domain.matrix import FeatureColumn
    from scorewright.models.seam import Model


def load_model(kind: str, files: Mapping[str, bytes], columns: tuple[FeatureColumn, ...]) -> Model:
    """Build the model whose ``files()`` these are.

    Parameters
    ----------
    kind : {"prior", "scorecard", "linear", "trees", "blend"}
        The model's ``kind``.
    files : mapping of str to bytes
        Sealed files by name.
    columns : tuple of FeatureColumn
        Columns of the matrices it will score, in order.

    Raises
    ------
    BundleCorruptError
        When a file is absent, malformed, or made for other columns.
    """
    if kind == "prior":
        return Prior.load(files)
    if kind == "linear":
        return Linear.load(files, columns)
    if kind == "scorecard":
        return Scorecard.load(files, columns)
    if kind == "trees":
        return Trees.load(files, len(columns))
    if kind == "blend":
        return Blend.load(files, lambda member: load_model(member, files, columns))
    raise numbers.corrupt("kind", f"{kind[:40]!r} is none of prior, scorecard, linear, trees, blend")
