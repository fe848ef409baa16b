"""Networks that read lines, by name."""

from torch import nn

from piste.models.text.columns import ROWS, Columns
from piste.models.text.crnn import CRNN
from piste.models.text.recipe import HEADS, TextModelRecipe
from piste.models.text.transformer import TextTransformer


def build_text_model(recipe: TextModelRecipe, *, height: int, classes: int) -> nn.Module:
    """A network that maps images [N, 3, height, W], with the widths of their lines [N], to raw scores [N, T, classes].

    Random weights come from torch's random state at the call.

    Args:
        recipe: the `model:` section of a recipe.
        height: of the images in pixels.
        classes: scores a step, the blank's among them.

    Raises:
        ValueError: the height is none that the network can read.
    """
    check_height(height)
    columns = Columns(height, recipe.stride, recipe.channels)
    if recipe.name == "crnn":
        return CRNN(columns, classes, recipe.width, recipe.depth, recipe.dropout)
    return TextTransformer(columns, classes, recipe.width, recipe.depth, recipe.heads or HEADS, recipe.dropout)


def check_height(height: int) -> None:
    """Refuse a height that can't be halved as often as the network does.

    Raises:
        ValueError: the height is none that the network can read.
    """
    if height % ROWS:
        near = max(ROWS, height // ROWS * ROWS)
        raise ValueError(f"`data.height` must be a multiple of {ROWS} for these networks; got {height}; take {near}")
