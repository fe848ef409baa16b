"""The built-in data set `lines`: text that is rendered here, in memory."""

from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from piste.data.pictures import Pictures, numbered
from piste.data.text.alphabet import characters_of
from piste.data.text.fonts import refuse_missing_glyphs
from piste.data.text.recipe import LinesRecipe
from piste.data.text.rendering import render
from piste.data.text.writing import Writer


@final
class RenderedLines(Pictures):
    """Lines in memory, each of a size of its own.

    Args:
        pixels: grey, [H, W] each.
        texts: what they say.
        names: what each is called.
    """

    in_memory: ClassVar[bool] = True

    def __init__(self, pixels: Sequence[NDArray[np.uint8]], texts: Sequence[str], names: Sequence[str]) -> None:
        self.pixels = tuple(pixels)
        self.texts = tuple(texts)
        self.names = tuple(names)
        self.sizes = [(array.shape[0], array.shape[1]) for array in pixels]

    def read(self, index: int) -> Tensor:
        """Copy a line, grey as RGB."""
        return torch.from_numpy(self.pixels[index]).expand(3, -1, -1).contiguous()


@lru_cache(maxsize=2)
def render_lines(recipe: LinesRecipe) -> RenderedLines:
    """All lines, those of training first, then those to validate and to test with; no two say the same.

    A line depends on the recipe and on its place alone.

    Raises:
        DataError: a font is missing, broken or without some of the characters.
    """
    writer = Writer(recipe.seed, recipe.words)
    counts = {"train": recipe.train, "val": recipe.val, "test": recipe.test}
    names = [name for split, count in counts.items() for name in numbered(split, count)]
    texts = [writer.line() for _ in names]
    for font in recipe.fonts:
        refuse_missing_glyphs(font, characters_of(texts))
    pixels = [render(text, recipe, Random(f"{recipe.seed}/{place}")) for place, text in enumerate(texts)]
    return RenderedLines(pixels, texts, names)
