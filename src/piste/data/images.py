"""Image files: their size from the header, their pixels as 8-bit RGB, and a clear word where that can't be."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from piste.data.problems import DataError, Problem

EIGHT_BIT = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
ORIENTATION = 0x0112
BITS_PER_SAMPLE = 258


@contextmanager
def open_image(path: Path) -> Iterator[ImageFile]:
    """A PNG, JPEG or TIFF file, upright, its pixels not yet decoded.

    A photograph whose camera noted that it was held sideways is turned, as viewers and labelling tools show it.

    Raises:
        DataError: whatever keeps the file from being read, here or while the caller decodes it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's notes about odd metadata; what can't be read raises
            with Image.open(path, formats=("PNG", "JPEG", "TIFF")) as image:
                _refuse_unreadable(path, image)
                yield image
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(Problem(path, "no such file")) from None
    except PermissionError:
        raise DataError(Problem(path, "may not be read; give yourself the right to read it")) from None
    except UnidentifiedImageError:
        raise DataError(Problem(path, _why_unidentified(path))) from None
    except Image.DecompressionBombError:
        raise DataError(
            Problem(path, f"has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels; cut it into tiles")
        ) from None
    except Exception as error:  # a decoder raises anything on a damaged file: OSError, SyntaxError, struct.error, ...
        why = " ".join(str(error).split()) or type(error).__name__
        raise DataError(Problem(path, f"broken image ({why:.80}); restore the file or remove it")) from None


def read_size(path: Path) -> tuple[int, int]:
    """Height and width of an image, from its header.

    Raises:
        DataError: the file is no readable image.
    """
    with open_image(path) as image:
        width, height = image.size
        # Pillow turns TIFF files by itself; PNG files note no orientation.
        sideways = image.format in ("JPEG", "MPO") and image.getexif().get(ORIENTATION, 1) >= 5
    return (width, height) if sideways else (height, width)


def read_image(path: Path, window: tuple[float, float] | None = None) -> NDArray[np.uint8]:
    """The pixels of an image as RGB: grey is repeated, a palette looked up, CMYK converted, an alpha channel dropped.

    Args:
        path: a PNG, JPEG or TIFF file.
        window: the values shown as black and as white, for images of one channel with more than 8 bits; those
            outside are clipped.

    Returns:
        [H, W, 3], 0 … 255.

    Raises:
        DataError: the file is broken, or of a kind that can't be shown in 8 bits.
    """
    with open_image(path) as image:
        if image.mode in DEEP_GREY:
            if window is None:
                raise DataError(
                    Problem(
                        path,
                        f"has more than 8 bits ({image.mode}); say which values are black and "
                        f"white with data.window, such as [0, 65535]",
                    )
                )
            grey = _through_window(np.asarray(image), window)
            return np.repeat(grey[:, :, None], 3, axis=2)
        if image.mode not in EIGHT_BIT:
            raise DataError(Problem(path, f"has colours of kind {image.mode}; save it as RGB or grey"))
        return np.array(upright(image).convert("RGB"))


def upright(image: Image.Image) -> Image.Image:
    """The image, turned as its metadata asks."""
    return ImageOps.exif_transpose(image) if image.format in ("JPEG", "MPO") else image


def _through_window(values: NDArray[np.generic], window: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = window
    shares = (values.astype(np.float64) - low) / (high - low)
    grey: NDArray[np.uint8] = np.rint(np.nan_to_num(shares, nan=0.0).clip(0, 1) * 255).astype(np.uint8)
    return grey


def _refuse_unreadable(path: Path, image: ImageFile) -> None:
    if isinstance(image, TiffImageFile) and image.n_frames > 1:
        raise DataError(Problem(path, f"holds {image.n_frames} pages; save the one that is meant alone"))
    if image.mode not in DEEP_GREY and _bits(image) > 8:
        # Pillow would keep the upper 8 bits without a word.
        raise DataError(Problem(path, f"has colour of {_bits(image)} bits a channel; save it with 8"))


def _bits(image: ImageFile) -> int:
    """Bits a channel, as the file stores them."""
    if isinstance(image, TiffImageFile):
        return max(int(bits) for bits in image.tag_v2.get(BITS_PER_SAMPLE, (1,)))
    return 16 if image.format == "PNG" and ";16" in str(image.tile[0][3]) else 8


def _why_unidentified(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "is empty (0 bytes); restore the file or remove it"
    if start.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS, not the image; fetch it with `git lfs pull`"
    return "is no PNG, JPEG or TIFF image, or its header is broken; restore or convert it"
