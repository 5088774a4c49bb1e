"""What is wrong with training, bundles and versions."""

from __future__ import annotations

from scorewright.errors.root import ScorewrightError


class TrainingError(ScorewrightError):
    """The data are readable but nothing can be learnt from them as asked."""

    code = "training-impossible"


class LeakError(TrainingError):
    """Training data tell what will not be known when an application is scored."""

    code = "training-leak"


class BundleError(ScorewrightError):
    """A bundle cannot be used."""


class AdditivityError(BundleError):
    """The contributions of a decision do not add up to its score."""

    code = "bundle-not-additive"

    def __init__(self, scale: str, rows: int, gap: float) -> None:
        super().__init__(
            f"Contributions add up to the {scale} that they explain.",
            f"{rows} that {'does' if rows == 1 else 'do'} not, the furthest by {gap:.3g}",
            "Restore the bundle from its source; if it is whole, its model cannot be explained: train again.",
        )


class BundleCorruptError(BundleError):
    """A bundle's bytes are not those that were sealed."""

    code = "bundle-corrupt"


class BundleProtocolError(BundleError):
    """A bundle was sealed under a protocol this version does not read."""

    code = "bundle-protocol"


class RegistryError(ScorewrightError):
    """The registry has no answer, or refuses the change."""


class NoModelError(RegistryError):
    """No such model version or alias."""

    code = "registry-no-model"


class RegistryUnusableError(RegistryError):
    """The registry does not answer, cannot be written, or holds what it did not write."""

    code = "registry-unusable"

    def __init__(self, value: str) -> None:
        super().__init__(
            "The registry must answer, be writable and hold only what was recorded in it.",
            value,
            "Check its server, space and permissions, or restore it from a backup.",
        )


class PromotionRefusedError(RegistryError):
    """The challenger did not pass the comparison with the champion."""

    code = "registry-promotion-refused"
