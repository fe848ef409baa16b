"""A line of text as an image: set in a font, turned a little, blurred and noisy."""

from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from piste.data.text.fonts import load_font
from piste.data.text.recipe import LinesRecipe


def render(text: str, recipe: LinesRecipe, draw: Random) -> NDArray[np.uint8]:
    """A line as a scan or a photograph of it might look.

    Args:
        text: what it says.
        recipe: which fonts and sizes there are, and how bad it may look.
        draw: where all randomness comes from.

    Returns:
        Grey, [H, W]; the height follows from the font and its size.
    """
    font = load_font(draw.choice(recipe.fonts), draw.randint(*recipe.sizes))
    left, _, right, _ = font.getbbox(text)
    ascent, descent = font.getmetrics()
    margins = [draw.randint(1, max(2, int(font.size) // 4)) for _ in range(4)]
    paper, ink = draw.randint(185, 255), draw.randint(0, 90)
    size = int(right - left) + margins[0] + margins[1], ascent + descent + margins[2] + margins[3]
    image = Image.new("L", size, paper)
    ImageDraw.Draw(image).text((margins[0] - left, margins[2]), text, fill=ink, font=font)
    turn = draw.uniform(-recipe.skew, recipe.skew)
    if recipe.skew:
        image = image.rotate(turn, Image.Resampling.BILINEAR, expand=True, fillcolor=paper)
    blur, noise = draw.uniform(*recipe.blur), 255 * draw.uniform(*recipe.noise)
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    generator = np.random.default_rng(draw.getrandbits(64))
    values = np.asarray(image) + noise * generator.standard_normal((image.height, image.width), dtype=np.float32)
    grey: NDArray[np.uint8] = np.rint(values).clip(0, 255).astype(np.uint8)
    return grey
