"""Fonts by name: those that come with matplotlib, and any font file."""

from collections.abc import Collection
from functools import cache
from pathlib import Path

from PIL import ImageFont

from piste.data.problems import DataError, Problem
from piste.names import nearest

SUFFIXES = (".ttf", ".otf", ".ttc")
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSerif-Italic", "DejaVuSansMono")


@cache
def _shipped() -> dict[str, Path]:
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return {path.stem: path for path in sorted(folder.glob("*.ttf"))}


def font_file(font: str) -> Path:
    """The file of a font.

    Args:
        font: a name such as DejaVuSerif, of those that come with matplotlib, or the path of a TTF, OTF or TTC file.

    Raises:
        DataError: there is no such font.
    """
    if font in _shipped():
        return _shipped()[font]
    path = Path(font).expanduser()
    if path.suffix.lower() not in SUFFIXES:
        cure = f"name one that comes with matplotlib, or give a file; {nearest(font, _shipped())}"
        raise DataError(Problem(path, f"is no font ({', '.join(SUFFIXES)}); {cure}"))
    if not path.is_file():
        raise DataError(Problem(path, "no such font file"))
    return path


@cache
def load_font(font: str, size: int) -> ImageFont.FreeTypeFont:
    """A font at a size in pixels.

    Raises:
        DataError: there is no such font, or its file is broken.
    """
    path = font_file(font)
    try:
        # Pillow's own layout, which every build of it has
        return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise DataError(Problem(path, f"is no font that can be read ({error})")) from None


def refuse_missing_glyphs(font: str, characters: Collection[str]) -> None:
    """Refuse a font that can't show some characters.

    Raises:
        DataError: names the first few.
    """
    from matplotlib.ft2font import FT2Font

    path = font_file(font)
    load_font(font, 16)  # says in our words what is wrong with a file
    known = FT2Font(str(path)).get_charmap()
    missing = sorted(char for char in set(characters) - {" "} if ord(char) not in known)
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise DataError(Problem(path, f"has no glyph for {' '.join(missing[:5])}{more}; name another font"))
