"""How image files and masks are read, as code."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from piste.data.images import DEEP_GREY
from piste.data.recipe import SegmentationDataRecipe
from piste.data.restoration.recipe import RestorationDataRecipe
from piste.data.script.steps import steps_as_code
from piste.data.script.text import block, indented
from piste.data.section import ImagesSection

SIDEWAYS = (".jpg", ".jpeg")


def image_reader(section: ImagesSection | RestorationDataRecipe, files: Sequence[Path]) -> str:
    """`read_image(path)`: uint8 [3, H, W], before it is prepared.

    Raises:
        ValueError: some of the images have 8 bits and others have more.
    """
    convert = _upright("image", files)
    if section.window is not None and (deep := set(modes(files)) & set(DEEP_GREY)):
        if deep != set(modes(files)):
            raise ValueError("a script reads images of 8 bits or of more, and these are of both kinds")
        low, high = section.window
        return block(f'''
            def read_image(path: Path) -> Tensor:
                """A grey image as RGB, uint8 [3, H, W]: {low:g} is black and {high:g} is white."""
                with Image.open(path) as image:
                    shares = (np.asarray(image).astype(np.float64) - {low}) / ({high} - {low})
                grey = np.rint(np.nan_to_num(shares, nan=0.0).clip(0, 1) * 255).astype(np.uint8)
                return torch.from_numpy(grey).expand(3, -1, -1).contiguous()
        ''')
    return block(f'''
        def read_image(path: Path) -> Tensor:
            """An image as RGB, uint8 [3, H, W]."""
            with Image.open(path) as image:
                return torch.from_numpy(np.array({convert}.convert("RGB"))).permute(2, 0, 1).contiguous()
    ''')


def mask_reader(recipe: SegmentationDataRecipe, files: Sequence[Path]) -> str:
    """`read_mask(path)`: class ids, uint8 [1, H, W].

    Raises:
        ValueError: the masks are of several kinds.
    """
    kinds = {"colour" if mode in ("RGB", "RGBA", "RGBX") else "1" if mode == "1" else "values" for mode in modes(files)}
    values = list((recipe.classes or {}).values())
    coloured = any(isinstance(value, tuple) for value in values)
    if len(kinds) > 1 and not coloured:
        raise ValueError(f"a script reads masks of one kind, and these are {' and '.join(sorted(kinds))}")
    white = 255 if 255 in [*values, *recipe.ignore] and 1 not in [*values, *recipe.ignore] else 1
    convert = _upright("mask", files)
    pixels, equal = f"np.array({convert})", "pixels == value"
    if coloured:
        pixels, equal = f'np.array({convert}.convert("RGB"))', "(pixels == value).all(2)"
    elif kinds == {"colour"}:
        pixels = f'np.array({convert}.convert("RGB"))[:, :, 0]'
    elif kinds == {"1"}:
        pixels = f"np.array({convert}, np.uint8)" + (f" * np.uint8({white})" if white != 1 else "")
    return block(f'''
        def read_mask(path: Path) -> Tensor:
            """The class of each pixel, uint8 [1, H, W]; what is of none of the classes is ignored."""
            with Image.open(path) as mask:
                pixels = {pixels}
            ids = np.full(pixels.shape[:2], IGNORED, np.uint8)
            for index, value in enumerate(CLASSES.values()):
                ids[{equal}] = index
            return torch.from_numpy(ids).unsqueeze(0)
    ''')


def modes(files: Iterable[Path]) -> list[str]:
    """The kind of pixels that each file has."""
    found = []
    for file in files:
        with Image.open(file) as image:
            found.append(image.mode)
    return found


def _upright(name: str, files: Sequence[Path]) -> str:
    """An opened image as it is shown: photographs may have to be turned."""
    return f"ImageOps.exif_transpose({name})" if any(file.suffix.lower() in SIDEWAYS for file in files) else name


def changes(section: ImagesSection, *, masked: bool, outside: int = 0) -> list[str]:
    """`prepared`, `augmented` and `evaluated`, those of them that do something."""
    what = "an image and its mask" if masked else "an image"
    takes, gives = ("image: Tensor, mask: Tensor", "tuple[Tensor, Tensor]") if masked else ("image: Tensor", "Tensor")
    code = []
    for key, name, how in (
        ("prepare", "prepared", "as it is read"),
        ("augment", "augmented", "anew in each epoch, for training"),
        ("evaluate", "evaluated", "for validation"),
    ):
        steps = getattr(section, key)
        if steps:
            draw = ", draw: Random" if key == "augment" else ""
            canvas = section.pipeline(steps, outside).canvas
            lines = steps_as_code(steps, canvas, key=key, masked=masked)
            head = f'def {name}({takes}{draw}) -> {gives}:\n    """Changes {what}, {how}."""\n'
            code.append(f"{head}{indented(lines)}\n    return {'image, mask' if masked else 'image'}")
    return code


def changing(section: ImagesSection) -> list[str]:
    """Lines of a data set that change `image` as the split asks for."""
    augmented = 'augmented(image, Random(f"{SEED}/{self.epoch}/{index}"))'
    if section.augment and section.evaluate:
        return [f'image = {augmented} if self.split == "train" else evaluated(image)']
    if section.augment:
        return ['if self.split == "train":', f"    image = {augmented}"]
    return ['if self.split == "val":', "    image = evaluated(image)"] if section.evaluate else []
