"""Pairs of an image and what it should have been, as plain Python."""

from collections.abc import Sequence

from piste.data.augment import name_of
from piste.data.augment.base import Augmentation, Canvas
from piste.data.augment.sizes import Crop
from piste.data.images import read_size
from piste.data.restoration.both import sizes_after
from piste.data.restoration.folder import Pair
from piste.data.restoration.opened import RestorationData
from piste.data.restoration.store import fits_in_memory
from piste.data.script.arrays import SPLITS
from piste.data.script.degradation import degradation_as_code
from piste.data.script.pictures import splits_as_code
from piste.data.script.reading import image_reader
from piste.data.script.samples import samples_as_code
from piste.data.script.steps import steps_as_code
from piste.data.script.text import block, indented, listed

_CANVAS = Canvas("bilinear", (0, 0, 0), 0)  # asked for by every augmentation, and not used by those of pairs


def pairs_as_code(data: RestorationData) -> tuple[list[str], list[str], list[str]]:
    """Constants, code and lists, for `tasks.base.Scripted`.

    Args:
        data: what is learnt from.
    """
    recipe, splits = data.recipe, {split: data.splits[split] for split in SPLITS}
    pairs = [pair for split in splits.values() for pair in split]
    clean = bool(recipe.degrade)
    folder = pairs[0].target.parent if clean else data.folder
    files = [path for pair in pairs for path in (pair.input, pair.target) if path is not None]
    code, drawn = list[str](), False
    if clean:
        after = [size for pair in splits["train"] for size in sizes_after(pair.size, recipe.augment)]
        least = min(side for size in [*after, *(pair.size for pair in splits["val"])] for side in size)
        code, drawn = degradation_as_code(recipe.degrade, least)
    lists, held = _lists(splits, alike=_alike(pairs))
    cached = fits_in_memory(pairs) if recipe.cache == "auto" else recipe.cache
    return (
        [f'DATA = Path("{folder.resolve().as_posix()}")'],
        [
            image_reader(recipe, files),
            _read(data, pairs, cached=bool(cached)),
            *([_augmented(recipe.augment, data.scale, clean=clean)] if recipe.augment else []),
            *code,
            _clean_samples(bool(recipe.augment), drawn=drawn) if clean else _paired_samples(bool(recipe.augment)),
        ],
        [*lists, splits_as_code(held)],
    )


def _alike(pairs: Sequence[Pair]) -> bool:
    """Whether one name says input and target."""
    return all(pair.input is None or pair.input.name == pair.target.name for pair in pairs)


def _lists(splits: dict[str, Sequence[Pair]], *, alike: bool) -> tuple[list[str], list[str]]:
    """Names of the images, or of inputs and targets, and how those of each split are read."""
    lists, held = [], []
    for split, pairs in splits.items():
        targets = [pair.target.name for pair in pairs]
        if alike:
            images = listed(f"{split.upper()}_IMAGES", targets)
            lists.append(images.code)
            held.append(images.read)
            continue
        inputs = listed(f"{split.upper()}_INPUTS", [pair.input.name for pair in pairs if pair.input is not None])
        wanted = listed(f"{split.upper()}_TARGETS", targets)
        lists += [inputs.code, wanted.code]
        held.append(f"list(zip({inputs.read}, {wanted.read}, strict=True))")
    return lists, held


def _read(data: RestorationData, pairs: Sequence[Pair], *, cached: bool) -> str:
    head, kept = ("@cache\n", "; kept in memory once it was read") if cached else ("", "")
    if not data.recipe.degrade:
        argument, given, wanted = "names: tuple[str, str]", "names[0]", "names[1]"
        if _alike(pairs):
            argument, given, wanted = "name: str", "name", "name"
        return head + block(f'''
            def read({argument}) -> tuple[Tensor, Tensor]:
                """An input and its target as they are on disk{kept.replace("it was", "they were")}."""
                return read_image(DATA / "input" / {given}), read_image(DATA / "target" / {wanted})
        ''')
    scale = data.scale
    if all(read_size(pair.target) == pair.size for pair in pairs):
        return head + block(f'''
            def read(name: str) -> Tensor:
                """An image as it is on disk{kept}."""
                return read_image(DATA / name)
        ''')
    return head + block(f'''
        def read(name: str) -> Tensor:
            """An image, its sides cut to multiples of {scale}{kept}."""
            image = read_image(DATA / name)
            height, width = (side // {scale} * {scale} for side in image.shape[1:])
            return image[:, :height, :width].contiguous()
    ''')


def _augmented(steps: Sequence[Augmentation], scale: int, *, clean: bool) -> str:
    lines = [_crop(step, scale, clean=clean) if isinstance(step, Crop) else _step(step, clean=clean) for step in steps]
    if clean:
        head = 'def augmented(image: Tensor, draw: Random) -> Tensor:\n    """Changes an image, anew in each epoch."""'
        return f"{head}\n{indented(lines)}\n    return image"
    head = "def augmented(image: Tensor, target: Tensor, draw: Random) -> tuple[Tensor, Tensor]:"
    told = '    """Changes an input and its target alike, anew in each epoch."""'
    return f"{head}\n{told}\n{indented(lines)}\n    return image, target"


def _step(step: Augmentation, *, clean: bool) -> str:
    return steps_as_code([step], _CANVAS, key="augment", masked=not clean).replace("mask", "target")


def _crop(step: Crop, scale: int, *, clean: bool) -> str:
    """A crop, which lies where input and target have pixels in common."""
    height, width = (step.height, step.width) if clean else (step.height // scale, step.width // scale)
    lines = [
        f"if draw.random() < {step.p}:  # {name_of(type(step))}",
        f"    top, left = draw.randint(0, image.shape[1] - {height}), draw.randint(0, image.shape[2] - {width})",
        f"    image = T.crop(image, top, left, {height}, {width})",
    ]
    if not clean:
        places = "top, left" if scale == 1 else f"{scale} * top, {scale} * left"
        lines.append(f"    target = T.crop(target, {places}, {step.height}, {step.width})")
    return "\n".join(lines)


def _clean_samples(augment: bool, *, drawn: bool) -> str:
    lines = ["target = read(self.images[index])"]
    random = 'Random(f"{SEED}/{self.epoch}/{index}")'
    if drawn:
        lines = ["name = self.images[index]", "target = read(name)"]
        lines += [
            'seed = f"{SEED}/{self.epoch}/{index}" if self.split == "train" else f"restoration/{Path(name).stem}"'
        ]
        lines += ["draw = Random(seed)"]
    if augment:
        call = f"augmented(target, {'draw' if drawn else random})"
        lines += ['if self.split == "train":', f"    target = {call}"]
    lines.append(f"return degraded(target{', draw' if drawn else ''}).float() / 255, target.float() / 255")
    return _samples("Images after what is done to them, and before it", lines)


def _paired_samples(augment: bool) -> str:
    lines = ["image, target = read(self.images[index])"]
    if augment:
        lines += ['if self.split == "train":']
        lines += ['    image, target = augmented(image, target, Random(f"{SEED}/{self.epoch}/{index}"))']
    lines.append("return image.float() / 255, target.float() / 255")
    return _samples("Inputs and targets", lines)


def _samples(told: str, lines: Sequence[str]) -> str:
    held = ["self.split, self.epoch, self.images = split, epoch, SPLITS[split]"]
    return samples_as_code(f"{told}, values of 0 … 1.", held, lines)
