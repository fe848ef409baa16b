"""How good a model is in the user's own terms: pixels of each class, and whole objects.

Every score has a flat name: `recall` is the mean over the foreground classes (all but the background),
`recall/lake` one class. A score that means nothing, because its class is neither in the truth nor predicted, is NaN
and left out of every mean.
"""

from piste.metrics.decisions import label_map
from piste.metrics.images import image_scores, worst_first
from piste.metrics.names import metric_names, smaller_is_better
from piste.metrics.objects import ObjectScores
from piste.metrics.pixels import PixelScores

__all__ = [
    "ObjectScores",
    "PixelScores",
    "image_scores",
    "label_map",
    "metric_names",
    "smaller_is_better",
    "worst_first",
]
