"""Images with boxes as plain Python."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from piste.data.detection.annotated import Annotated
from piste.data.detection.coco import load
from piste.data.detection.data import DetectionData
from piste.data.detection.reading import read
from piste.data.detection.store import fits_in_memory
from piste.data.script.box_steps import OBJECTS, VISIBLE, box_changes
from piste.data.script.reading import image_reader
from piste.data.script.text import assigned, block, listed
from piste.data.section import Statistics

SPLITS = ("train", "val")


def boxes_as_code(data: DetectionData, first: int) -> tuple[list[str], list[str], list[str]]:
    """Constants, code and lists, for `tasks.base.Scripted`; batches are made by `side_by_side`.

    Args:
        data: what is learnt from.
        first: the number of the first class.

    Raises:
        ValueError: what of it can't be written.
    """
    recipe, splits = data.recipe, {name: data.splits[name] for name in SPLITS}
    if recipe.format != "coco":
        raise ValueError(f"`data.format`: a script reads boxes from COCO's JSON, and these are {recipe.format}")
    if recipe.masks:
        raise ValueError("`data.masks`: a script reads boxes alone, without the outlines of objects")
    if any(one.crowd.any() for one in splits["val"]):
        raise ValueError("`data`: a script can't leave out objects that count for nothing (crowd), and val has some")
    found = _Annotations(data, [one for split in splits.values() for one in split])
    sizes = {side for one in splits["train"] for side in one.size}
    changed, moves = box_changes(recipe, alike=len(sizes) == 1)
    lists = [listed(f"{name.upper()}_IMAGES", found.names(split)) for name, split in splits.items()]
    code = [
        block(OBJECTS) + (f"\n{VISIBLE}" if moves else ""),
        image_reader(recipe, [one.image for split in splits.values() for one in split]),
        found.code(),
        _read(data, first, clipped=found.clipped, moves=moves),
        *changed,
        _dataset(recipe.augment != [], recipe.evaluate != []),
        block(SIDE_BY_SIDE),
    ]
    entries = ", ".join(f'"{name}": {each.read}' for name, each in zip(SPLITS, lists, strict=True))
    return _constants(data, found.folders), code, [*(each.code for each in lists), f"SPLITS = {{{entries}}}"]


def _constants(data: DetectionData, folders: Mapping[str, str]) -> list[str]:
    recipe, statistics = data.recipe, data.recipe.normalize
    assert isinstance(statistics, Statistics), "open_detection puts numbers here"
    return [
        f'DATA = Path("{data.folder.resolve().as_posix()}")',
        assigned("FILES", dict(folders), "annotations, and the folder of their images"),
        assigned("CLASSES", list(data.class_names)),
        assigned("MEAN", list(statistics.mean)),
        assigned("STD", list(statistics.std)),
        assigned("FILL", list(recipe.pipeline(recipe.augment).canvas.fill), "the colour outside an image"),
        assigned("MIN_VISIBLE", recipe.min_visible, "the share of its area that an object must keep"),
    ]


class _Annotations:
    """The files that annotate some images.

    Args:
        data: what they are of.
        chosen: the images.
    """

    def __init__(self, data: DetectionData, chosen: Sequence[Annotated]) -> None:
        self.root = data.folder
        images = {one.image: one for one in chosen}
        marked = [one for one in read(data.folder, data.recipe).listed if one.image in images]
        self.folders: dict[str, str] = {}
        for source in dict.fromkeys(one.source for one in marked):
            own = [one.image.as_posix() for one in marked if one.source == source]
            names = sorted((entry.file_name for entry in load(source).images), key=len, reverse=True)
            ends = {next(image[: -len(name)] for name in names if image.endswith(f"/{name}")) for image in own}
            if len(ends) > 1:
                raise ValueError(f"`data.images`: a script reads the images of {source.name} from one folder")
            self.folders[self._within(source)] = self._within(Path(ends.pop()))
        self.crowded = any(mark.crowd for one in marked for mark in one.marks)
        self.clipped = any(
            min(mark.box) < 0 or mark.box[2] > images[one.image].size[1] or mark.box[3] > images[one.image].size[0]
            for one in marked
            for mark in one.marks
        )

    def _within(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.resolve().as_posix()

    def names(self, split: Sequence[Annotated]) -> list[str]:
        """Where the images of a split lie."""
        return [self._within(one.image) for one in split]

    def code(self) -> str:
        """`annotations()`: classes and boxes by image."""
        own = "found[names[each['image_id']]].append((kinds[each['category_id']], each['bbox']))".replace("'", '"')
        added = f'if not each.get("iscrowd"):\n                {own}' if self.crowded else own
        return block(f'''
            @cache
            def annotations() -> dict[str, list[tuple[str, list[float]]]]:
                """The objects of each image: class, and left, top, width and height in pixels."""
                found = {{}}
                for file, folder in FILES.items():
                    content = json.loads((DATA / file).read_text("utf-8"))
                    names = {{each["id"]: (Path(folder) / each["file_name"]).as_posix() for each in content["images"]}}
                    kinds = {{each["id"]: each["name"] for each in content["categories"]}}
                    found |= {{name: [] for name in names.values()}}
                    for each in content["annotations"]:
                        {"OWN"}
                return found
        ''').replace("OWN", added)


def _read(data: DetectionData, first: int, *, clipped: bool, moves: bool) -> str:
    everything = [one for split in data.splits.values() for one in split]
    cached = fits_in_memory(everything, False) if data.recipe.cache == "auto" else data.recipe.cache
    boxes = "clip_boxes_to_image(boxes.float(), image.shape[1:])" if clipped else "boxes.float()"
    visible = ", torch.ones(len(boxes))" if moves else ""
    result = f"image, Objects({boxes}, torch.tensor(labels, dtype=torch.long){visible})"
    keeps = "; kept in memory once they were read" if cached else ""
    code = block(f'''
        def read(name: str) -> tuple[Tensor, Objects]:
            """An image and its objects, as they are on disk{keeps}."""
            image, marks = read_image(DATA / name), annotations()[name]
            boxes = torch.tensor([box for _, box in marks], dtype=torch.float64).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            labels = [CLASSES.index(kind){f" + {first}" if first else ""} for kind, _ in marks]
            return {f"prepared({result})" if data.recipe.prepare else result}
    ''')
    return ("@cache\n" if cached else "") + code


def _dataset(augmented: bool, evaluated: bool) -> str:
    lines = []
    if augmented:
        lines += [
            'if self.split == "train":',
            '    image, objects = augmented(image, objects, Random(f"{SEED}/{self.epoch}/{index}"))',
        ]
    if evaluated:
        lines += ["else:" if augmented else 'if self.split == "val":', "    image, objects = evaluated(image, objects)"]
    changed = "".join(f"\n                {line}" for line in lines)
    return block(f'''
        class Samples(Dataset):
            """Images, 0 … 1, and the boxes and labels of their objects."""

            def __init__(self, split: str, epoch: int) -> None:
                self.split, self.epoch, self.images = split, epoch, SPLITS[split]

            def __len__(self) -> int:
                return len(self.images)

            def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
                image, objects = read(self.images[index]){changed}
                return image.float() / 255, {{"boxes": objects.boxes, "labels": objects.labels}}
    ''')


SIDE_BY_SIDE = '''
    def side_by_side(samples: list[tuple[Tensor, dict[str, Tensor]]]) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
        """A batch of images, which may differ in size, and of their objects."""
        images, targets = zip(*samples, strict=True)
        return list(images), list(targets)
'''
