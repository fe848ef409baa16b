"""Images with boxes as plain Python."""

from typing import NamedTuple

from piste.data.detection.data import DetectionData
from piste.data.detection.store import fits_in_memory
from piste.data.script.box_steps import COUNTED, CROWD, OBJECTS, VISIBLE, box_changes
from piste.data.script.marks import Marks, marks_as_code, within
from piste.data.script.reading import image_reader
from piste.data.script.samples import samples_as_code
from piste.data.script.text import assigned, block, listed
from piste.data.section import Statistics

SPLITS = ("train", "val")


class Boxes(NamedTuple):
    """Images and boxes as `tasks.base.Scripted` takes them; batches are made by `side_by_side`.

    Args:
        constants: settings.
        code: classes and functions.
        lists: what each split holds.
        crowded: whether targets have `iscrowd`, 1 for what counts for nothing.
    """

    constants: list[str]
    code: list[str]
    lists: list[str]
    crowded: bool


def boxes_as_code(data: DetectionData, first: int) -> Boxes:
    """Images and boxes as code.

    Args:
        data: what is learnt from.
        first: the number of the first class.

    Raises:
        ValueError: what of it can't be written.
    """
    recipe, splits = data.recipe, {name: data.splits[name] for name in SPLITS}
    if recipe.masks:
        raise ValueError("`data.masks`: a script reads boxes alone, without the outlines of objects")
    marks = marks_as_code(data, splits)
    sizes = {side for one in splits["train"] for side in one.size}
    changed, moves = box_changes(recipe, alike=len(sizes) == 1, crowded=marks.crowded)
    names = {name: [within(one.image, data.folder) for one in split] for name, split in splits.items()}
    lists = [listed(f"{name.upper()}_IMAGES", each) for name, each in names.items()]
    code = [
        "\n".join([block(OBJECTS), *([VISIBLE] if moves else []), *([CROWD] if marks.crowded else [])]),
        image_reader(recipe, [one.image for split in splits.values() for one in split]),
        marks.code,
        _read(data, marks, first, moves=moves),
        *([block(COUNTED)] if marks.crowded else []),
        *changed,
        _dataset(recipe.augment != [], recipe.evaluate != [], crowded=marks.crowded),
        block(SIDE_BY_SIDE),
    ]
    entries = ", ".join(f'"{name}": {each.read}' for name, each in zip(SPLITS, lists, strict=True))
    constants = _constants(data, marks)
    return Boxes(constants, code, [*(each.code for each in lists), f"SPLITS = {{{entries}}}"], marks.crowded)


def _constants(data: DetectionData, marks: Marks) -> list[str]:
    recipe, statistics = data.recipe, data.recipe.normalize
    assert isinstance(statistics, Statistics), "open_detection puts numbers here"
    return [
        f'DATA = Path("{data.folder.resolve().as_posix()}")',
        *marks.constants,
        assigned("CLASSES", list(data.class_names)),
        assigned("MEAN", list(statistics.mean)),
        assigned("STD", list(statistics.std)),
        assigned("FILL", list(recipe.pipeline(recipe.augment).canvas.fill), "the colour outside an image"),
        assigned("MIN_VISIBLE", recipe.min_visible, "the share of its area that an object must keep"),
    ]


def _read(data: DetectionData, marks: Marks, first: int, *, moves: bool) -> str:
    everything = [one for split in data.splits.values() for one in split]
    cached = fits_in_memory(everything, False) if data.recipe.cache == "auto" else data.recipe.cache
    columns = ["boxes", "labels", *(["torch.ones(len(boxes))"] if moves else []), *(["crowd"] if marks.crowded else [])]
    result = f"image, Objects({', '.join(columns)})"
    if data.recipe.prepare:
        result = f"prepared({result})"
    rest = ", _" if marks.crowded else ""
    keeps = "; kept in memory once they were read" if cached else ""
    lines = [
        "def read(name: str) -> tuple[Tensor, Objects]:",
        f'    """An image and its objects, as they are on disk{keeps}."""',
        "    image = read_image(DATA / name)",
        f"    found = {marks.call}",
        f"    boxes = torch.tensor([box for _, box{rest} in found], dtype=torch.float32).reshape(-1, 4)",
        *(["    boxes = clip_boxes_to_image(boxes, image.shape[1:])"] if marks.clipped else []),
        f"    labels = [CLASSES.index(kind){f' + {first}' if first else ''} for kind, _{rest} in found]",
        "    labels = torch.tensor(labels, dtype=torch.long)",
        *(["    crowd = torch.tensor([each for _, _, each in found], dtype=torch.bool)"] if marks.crowded else []),
        f"    return {result}",
    ]
    return ("@cache\n" if cached else "") + "\n".join(lines)


def _dataset(augmented: bool, evaluated: bool, *, crowded: bool) -> str:
    lines = []
    if augmented or crowded:
        lines += ['if self.split == "train":']
        lines += ["    objects = counted(objects)"] if crowded else []
    if augmented:
        lines += [
            '    image, objects = augmented(image, objects, Random(f"{SEED}/{self.epoch}/{index}"))',
        ]
    if evaluated:
        lines += ["else:" if lines else 'if self.split == "val":', "    image, objects = evaluated(image, objects)"]
    target = '"boxes": objects.boxes, "labels": objects.labels'
    target += ', "iscrowd": objects.crowd.int()' if crowded else ""
    return samples_as_code(
        "Images, 0 … 1, and the boxes and labels of their objects.",
        ["self.split, self.epoch, self.images = split, epoch, SPLITS[split]"],
        ["image, objects = read(self.images[index])", *lines, f"return image.float() / 255, {{{target}}}"],
        gives="tuple[Tensor, dict[str, Tensor]]",
    )


SIDE_BY_SIDE = '''
    def side_by_side(samples: list[tuple[Tensor, dict[str, Tensor]]]) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
        """A batch of images, which may differ in size, and of their objects."""
        images, targets = zip(*samples, strict=True)
        return list(images), list(targets)
'''
