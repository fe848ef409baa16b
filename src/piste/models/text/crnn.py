"""A convolutional recurrent network: Shi, Bai & Yao 2015, arXiv:1507.05717, smaller."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from piste.models.text.columns import Columns, steps_of


@final
class CRNN(nn.Module):
    """Columns of features, then LSTMs that go through the line both ways.

    Args:
        columns: makes features of images.
        classes: scores a step.
        width: of each direction of each LSTM.
        depth: how many LSTMs follow each other.
        dropout: share of values left out between them, and before the scores.
    """

    def __init__(self, columns: Columns, classes: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.columns = columns
        self.enter = nn.Linear(columns.features, width)
        between = dropout if depth > 1 else 0.0
        self.lstm = nn.LSTM(width, width, depth, batch_first=True, bidirectional=True, dropout=between)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(2 * width, classes)

    def forward(self, image: Tensor, widths: Tensor | None = None) -> Tensor:
        """Raw scores [N, T, classes].

        Args:
            image: float [N, 3, H, W].
            widths: of each line in pixels, [N], best left on the CPU; None where all are as wide as the image.
        """
        x = torch.relu(self.enter(self.columns(image, widths)))
        if widths is None:
            x, _ = self.lstm(x)
        else:
            steps = steps_of(widths, self.columns.stride).cpu()
            packed = pack_padded_sequence(x, steps, batch_first=True, enforce_sorted=False)
            x, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])
        scores: Tensor = self.score(self.dropout(x))
        return scores
