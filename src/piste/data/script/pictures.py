"""Labelled images as plain Python: from files, or from arrays."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from piste.data.classification.opened import ClassificationData
from piste.data.picture_data import PictureData
from piste.data.picture_store import pictures_fit_in_memory
from piste.data.pictures import ImageArray, ImageFiles
from piste.data.script.arrays import SPLITS, arrays_as_code, places_as_code
from piste.data.script.reading import changes, changing, image_reader
from piste.data.script.samples import samples_as_code
from piste.data.script.text import WIDTH, assigned, block, listed, literal
from piste.data.section import LUMINANCE, ImagesSection, Statistics

NO_LABEL = "-"


def pictures_as_code(data: ClassificationData, channels: int) -> tuple[list[str], list[str], list[str]]:
    """Constants, code and lists, for `tasks.base.Scripted`.

    Args:
        data: what is learnt from.
        channels: of the images that the network takes.

    Raises:
        ValueError: what of it can't be written.
    """
    pictures = data.pictures.pictures
    if isinstance(pictures, ImageFiles):
        return _files(data, pictures, channels)
    if isinstance(pictures, ImageArray) and data.recipe.torchvision is None:
        return _arrays(data, pictures, channels)
    raise ValueError("`data.torchvision`: a script reads images from files, IDX files and scikit-learn's digits")


def shown_as_code(section: ImagesSection, channels: int) -> tuple[list[str], str]:
    """Constants, and the expression of a normalised `image`.

    Args:
        section: of a recipe.
        channels: of the images that the network takes.
    """
    statistics = section.normalize
    assert isinstance(statistics, Statistics), "numbers are put here where data are opened"
    fill = assigned("FILL", list(section.pipeline(section.augment).canvas.fill), "the colour outside an image")
    mean, std = (f"torch.tensor({list(each)}).view(3, 1, 1)" for each in (statistics.mean, statistics.std))
    if channels == 3:
        return [f"MEAN = {mean}", f"STD = {std}", fill], "(image.float() - 255 * MEAN) / (255 * STD)"
    constants = [
        f"GREY = torch.tensor({list(LUMINANCE)}).view(3, 1, 1)  # what each colour counts",
        f"MEAN = ({mean} * GREY).sum(0, keepdim=True)",
        f"STD = {std}.mean(0, keepdim=True)",
        fill,
    ]
    return constants, "((image * GREY).sum(0, keepdim=True) - 255 * MEAN) / (255 * STD)"


def _files(data: ClassificationData, files: ImageFiles, channels: int) -> tuple[list[str], list[str], list[str]]:
    recipe, classes = data.recipe, list(data.class_names)
    constants, normalised = shown_as_code(recipe, channels)
    place = Path(recipe.path).expanduser().resolve()
    folder = place.parent if place.is_file() else place
    own = [[files.paths[i] for i in data.pictures.splits[split]] for split in SPLITS]
    names = [[within(path, folder) for path in paths] for paths in own]
    images = [listed(f"{split.upper()}_IMAGES", each) for split, each in zip(SPLITS, names, strict=True)]
    lists, held = [each.code for each in images], [each.read for each in images]
    target = _target_of_name(data, names)
    by_name = target is not None
    if target is None:
        target = "int(self.labels[index])"
        if data.multi_label:
            target = 'torch.tensor([str(i) in self.labels[index].split("+") for i in range(len(CLASSES))])'
        labels = [listed(f"{split.upper()}_LABELS", _labels(data.targets[split])) for split in SPLITS]
        lists += [each.code for each in labels]
        held = [f"({image}, {label.read})" for image, label in zip(held, labels, strict=True)]
    lists.append(splits_as_code(held))
    init = "self.images = SPLITS[split]" if by_name else "self.images, self.labels = SPLITS[split]"
    code = [
        image_reader(recipe, [path for paths in own for path in paths]),
        *changes(recipe, masked=False),
        reader_as_code(data.pictures),
        _dataset(recipe, "read(self.images[index])", init, target, normalised, several=data.multi_label),
    ]
    return [f'DATA = Path("{folder.as_posix()}")', assigned("CLASSES", classes), *constants], code, lists


def splits_as_code(held: Sequence[str]) -> str:
    """What each split holds, by name."""
    line = f"SPLITS = {{{', '.join(f'{literal(split)}: {each}' for split, each in zip(SPLITS, held, strict=True))}}}"
    if len(line) <= WIDTH:
        return line
    return "\n".join(["SPLITS = {", *(f"    {literal(s)}: {each}," for s, each in zip(SPLITS, held, strict=True)), "}"])


def within(path: Path, folder: Path) -> str:
    """An image's place within the folder, or anywhere."""
    whole = path.resolve()
    return whole.relative_to(folder).as_posix() if whole.is_relative_to(folder) else whole.as_posix()


def _target_of_name(data: ClassificationData, names: Sequence[Sequence[str]]) -> str | None:
    """The class of an image by the folder that it is in, where that says it of all images."""
    if data.multi_label:
        return None
    for split, each in zip(SPLITS, names, strict=True):
        for name, target in zip(each, data.targets[split].tolist(), strict=True):
            if Path(name).parent.name != data.class_names[target]:
                return None
    return "CLASSES.index(Path(self.images[index]).parent.name)"


def _labels(targets: Tensor) -> list[str]:
    """The class of each image by its index, or its labels with + between them."""
    if targets.ndim == 1:
        return [str(label) for label in targets.tolist()]
    each = ([str(i) for i, holds in enumerate(row) if holds] for row in targets.tolist())
    return ["+".join(labels) or NO_LABEL for labels in each]


def reader_as_code(pictures: PictureData) -> str:
    """`read(name)`: an image as it is prepared."""
    everything = [i for places in pictures.splits.values() for i in places]
    auto = pictures.section.cache == "auto"
    cached = pictures_fit_in_memory(pictures.pictures, everything) if auto else pictures.section.cache
    found = "read_image(DATA / name)"
    return ("@cache\n" if cached else "") + block(f'''
        def read(name: str) -> Tensor:
            """An image as it is on disk{"; kept in memory once it was read" if cached else ""}."""
            return {f"prepared({found})" if pictures.section.prepare else found}
    ''')


def _arrays(data: ClassificationData, array: ImageArray, channels: int) -> tuple[list[str], list[str], list[str]]:
    recipe = data.recipe
    constants, normalised = shown_as_code(recipe, channels)
    lists, held = places_as_code(data.pictures.splits, len(array.pixels))
    lists.append(splits_as_code(held))
    place, code = arrays_as_code(recipe.path, labels=True)
    lines = ["pixels, labels = load()", "self.images, self.labels = pixels[SPLITS[split]], labels[SPLITS[split]]"]
    if recipe.label_noise is not None and recipe.label_noise.rate:
        code.append(_noisy(recipe.label_noise.rate, recipe.label_noise.seed))
        lines += ['if split == "train":', "    self.labels = noisy(self.labels)"]
    colour = "permute(2, 0, 1)" if array.pixels.ndim == 4 else "expand(3, -1, -1)"
    image = f"torch.from_numpy(self.images[index]).{colour}.contiguous()"
    image = f"prepared({image})" if recipe.prepare else image
    init = "\n                ".join(lines)
    target = "int(self.labels[index])"
    code += [
        *changes(recipe, masked=False),
        _dataset(recipe, image, init, target, normalised, several=False),
    ]
    return [*place, assigned("CLASSES", list(data.class_names)), *constants], code, lists


def _noisy(rate: float, seed: int) -> str:
    return block(f'''
        def noisy(labels: np.ndarray) -> np.ndarray:
            """Labels of which each is, with a probability of {rate:g}, another class."""
            generator = np.random.default_rng([{seed}, {0x6E6F697365}])
            wrong = generator.random(len(labels)) < {rate}
            away = generator.integers(1, len(CLASSES), len(labels))
            return np.where(wrong, (labels + away) % len(CLASSES), labels)
    ''')


def _dataset(section: ImagesSection, image: str, held: str, target: str, normalised: str, *, several: bool) -> str:
    return samples_as_code(
        f"Images, normalised, and {'which labels each has' if several else 'the class of each'}.",
        ["self.split, self.epoch = split, epoch", held],
        [f"image = {image}", *changing(section), f"target = {target}", f"return {normalised}, target"],
        gives=f"tuple[Tensor, {'Tensor' if several else 'int'}]",
    )
