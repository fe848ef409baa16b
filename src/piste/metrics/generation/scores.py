"""Scores of generated samples against real ones, gathered over the batches of a split."""

import math
from collections.abc import Callable
from typing import final

from torch import Tensor

from piste.metrics.generation.frechet import frechet_distance
from piste.metrics.generation.manifold import precision_recall
from piste.metrics.generation.modes import judge_modes
from piste.metrics.generation.names import IMAGE_METRICS
from piste.metrics.kept import Kept

NEIGHBOURS = 3


@final
class GenerationScores:
    """Features of samples, kept until the scores are asked for.

    Args:
        features: of samples [N, …], as they come from the model: [N, D].
        modes: centres [K, 2] and deviation of the mixture that points come from; None for images.
    """

    def __init__(self, features: Callable[[Tensor], Tensor], modes: tuple[Tensor, float] | None = None) -> None:
        self.features = features
        self.modes = modes
        self.kept = Kept("real", "fake", "points")

    def add(self, real: Tensor, fake: Tensor) -> None:
        """Takes in a batch of real samples and of generated ones."""
        points = {} if self.modes is None else {"points": fake}
        self.kept.update(real=self.features(real), fake=self.features(fake), **points)

    def compute(self) -> dict[str, float]:
        """Every metric by name; NaN where there are too few samples to tell, or some are not finite."""
        kept = self.kept.everything()
        real, fake = kept["real"], kept["fake"]
        found = dict.fromkeys(IMAGE_METRICS, math.nan)
        if min(len(real), len(fake)) > NEIGHBOURS and bool(fake.isfinite().all()):
            precision, recall = (float(share) for share in precision_recall(real, fake, NEIGHBOURS))
            found["frechet_distance"] = float(frechet_distance(real, fake))
            found |= {"sample_precision": precision, "sample_recall": recall}
            found["sample_f1"] = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        if self.modes is not None:
            modes = judge_modes(kept["points"], *self.modes)
            found |= {"modes_covered": float(modes.covered), "high_quality": float(modes.high_quality)}
        return found
