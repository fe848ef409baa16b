"""A small transformer encoder over the columns of a line."""

import math
from typing import final

import torch
from torch import Tensor, nn

from piste.models.text.columns import Columns, steps_of


@final
class TextTransformer(nn.Module):
    """Columns of features, then an encoder whose every step sees all others.

    Args:
        columns: makes features of images.
        classes: scores a step.
        width: of a step.
        depth: layers of the encoder.
        heads: of its attention.
        dropout: share of values left out in each layer, and before the scores.
    """

    def __init__(self, columns: Columns, classes: int, width: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.columns = columns
        self.enter = nn.Linear(columns.features, width)
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, nn.LayerNorm(width), enable_nested_tensor=False)
        for weight in self.encoder.parameters():  # the library's layers are copies of one, to the last weight
            if weight.dim() > 1:
                nn.init.xavier_uniform_(weight)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(width, classes)

    def forward(self, image: Tensor, widths: Tensor | None = None) -> Tensor:
        """Raw scores [N, T, classes].

        Args:
            image: float [N, 3, H, W].
            widths: of each line in pixels, [N]; None where all are as wide as the image.
        """
        x = self.enter(self.columns(image, widths))
        x = self.dropout(x + _positions(x.shape[1], x.shape[2], x.device))
        ends = None if widths is None else steps_of(widths, self.columns.stride).to(x.device).unsqueeze(1)
        beyond = None if ends is None else torch.arange(x.shape[1], device=x.device) >= ends
        scores: Tensor = self.score(self.encoder(x, src_key_padding_mask=beyond))
        return scores


def _positions(steps: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines of each step's place, [steps, width]: Vaswani et al. 2017, arXiv:1706.03762, section 3.5."""
    place = torch.arange(steps, device=device).unsqueeze(1)
    pace = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(10000.0) / width))
    return torch.cat([torch.sin(place * pace), torch.cos(place * pace)], 1)
