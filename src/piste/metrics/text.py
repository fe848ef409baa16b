"""How well lines of text are read: characters, words and whole lines."""

import math
from typing import final

import torch
from torch import Tensor

from piste.metrics.edits import PAD, edit_distances, words_of
from piste.metrics.names import Metric, file_metrics
from piste.metrics.tally import Tally

TEXT_METRICS = ("cer", "wer", "exact")
file_metrics(
    {
        "cer": Metric(
            "Character error rate",
            smaller_is_better=True,
            meaning="characters to insert, delete or change, of those written",
        ),
        "wer": Metric(
            "Word error rate", smaller_is_better=True, meaning="words to insert, delete or change, of those written"
        ),
        "exact": Metric("Exact lines", meaning="share of the lines without any mistake"),
    }
)


@final
class TextScores:
    """Character error rate, word error rate and the share of lines without any error.

    An error rate is the edit distance to the truth, summed over all lines, over the characters (words) that the truth
    has: what is read too much counts as well, so that it may exceed 1. Words are what stands between spaces. A rate is
    NaN where the truth has no character (word) at all, and the share of exact lines where there is no line.

    Args:
        space: the id of the space; None where no line has one.

    Example:
        >>> scores = TextScores(space=0)
        >>> scores.update(torch.tensor([[1, 2, 0, 3]]), torch.tensor([[1, 2, 0, 4]]))
        >>> scores.compute()
        {'cer': 0.25, 'wer': 0.5, 'exact': 0.0}
    """

    def __init__(self, space: int | None) -> None:
        self.space = space
        self._tally = Tally(characters=(2,), words=(2,), lines=(2,))

    def update(self, read: Tensor, truth: Tensor) -> None:
        """Count a batch.

        Args:
            read: int [N, R], ids of characters, each row filled up with `PAD`.
            truth: int [N, L], the same.
        """
        errors = edit_distances(read, truth)
        read_words, true_words = words_of(read, self.space), words_of(truth, self.space)
        self._tally.to(truth.device).update(
            characters=_counts(errors, truth),
            words=_counts(edit_distances(read_words, true_words), true_words),
            lines=torch.stack([(errors == 0).sum(), (errors >= 0).sum()]),
        )

    def compute(self) -> dict[str, float]:
        """The three scores by name."""
        return {
            name: part / whole if whole else math.nan
            for name, (part, whole) in zip(
                TEXT_METRICS, (count.tolist() for count in self._tally.totals().values()), strict=True
            )
        }


def _counts(errors: Tensor, truth: Tensor) -> Tensor:
    return torch.stack([errors.sum(), (truth != PAD).sum()])
