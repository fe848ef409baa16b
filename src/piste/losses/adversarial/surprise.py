"""The surprise at a label of which a score says how probable it is: -log D or -log(1 - D), D the sigmoid of the score.

Computed in log-space, where -log(1 - sigmoid(x)) = log(1 + e^x), which is called softplus.
"""

from torch import Tensor
from torch.nn import functional as F

_EXACT = 40.0
"""From where on log(1 + e^x) = x in float64."""


def at_real(score: Tensor) -> tuple[Tensor, Tensor]:
    """-log D, and its derivative, D - 1."""
    return F.softplus(-score, threshold=_EXACT), -(-score).sigmoid()


def at_fake(score: Tensor) -> tuple[Tensor, Tensor]:
    """-log(1 - D), and its derivative, D."""
    return F.softplus(score, threshold=_EXACT), score.sigmoid()
