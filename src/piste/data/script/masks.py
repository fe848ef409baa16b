"""Images with masks as plain Python."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from piste.data.counts import IGNORE_INDEX
from piste.data.folder import Sample
from piste.data.recipe import SegmentationDataRecipe
from piste.data.script.reading import changes, image_reader, mask_reader
from piste.data.script.samples import samples_as_code
from piste.data.script.text import assigned, block, listed
from piste.data.section import Statistics
from piste.data.segmentation import SegmentationData
from piste.data.store import fits_in_memory

SPLITS = ("train", "val")


def masks_as_code(data: SegmentationData, multiple: int) -> tuple[list[str], list[str], list[str], str | None]:
    """Constants, code, lists, and the name of what makes batches, for `tasks.base.Scripted`.

    Args:
        data: what is learnt from.
        multiple: what heights and widths must be divisible by.

    Raises:
        ValueError: what of it can't be written.
    """
    recipe, splits = data.recipe, {name: data.splits[name] for name in SPLITS}
    samples = [sample for split in splits.values() for sample in split]
    if recipe.labels is not None:
        raise ValueError("`data.labels`: a script reads one mask an image, and not one for each label")
    if not all(isinstance(sample.mask, Path) for sample in samples):
        raise ValueError("`data`: a script reads masks from files, and these are drawn from COCO's outlines")
    images, masks = [sample.image for sample in samples], [Path(str(sample.mask)) for sample in samples]
    collate = None if _all_alike(recipe, samples, multiple) else "padded"
    code = [
        image_reader(recipe, images),
        mask_reader(recipe, masks),
        *changes(recipe, masked=True, outside=recipe.outside),
        _read(recipe, samples),
        _dataset(recipe),
        *([_padded(multiple)] if collate else []),
    ]
    return _constants(data), code, _lists(data.folder, splits), collate


def _constants(data: SegmentationData) -> list[str]:
    recipe = data.recipe
    statistics = recipe.normalize
    assert isinstance(statistics, Statistics), "open_segmentation puts numbers here"
    canvas = recipe.pipeline(recipe.augment, recipe.outside).canvas
    return [
        f'DATA = Path("{data.folder.resolve().as_posix()}")',
        assigned("CLASSES", dict(recipe.classes or {}), "the value of each in the masks"),
        assigned("IGNORED", IGNORE_INDEX, "the class id of pixels that don't count"),
        f"MEAN = torch.tensor({list(statistics.mean)}).view(3, 1, 1)",
        f"STD = torch.tensor({list(statistics.std)}).view(3, 1, 1)",
        assigned("FILL", list(canvas.fill), "the colour outside an image"),
        assigned("OUTSIDE", canvas.mask_fill, "the class id outside a mask"),
    ]


def _lists(folder: Path, splits: Mapping[str, Sequence[Sample]]) -> list[str]:
    """What each split holds: the names of images, and of their masks, which may end in another way."""
    ends = {(sample.image.suffix, Path(str(sample.mask)).suffix) for split in splits.values() for sample in split}
    lists, pairs = [], []
    for name, split in splits.items():
        images = listed(f"{name.upper()}_IMAGES", [sample.image.name for sample in split])
        lists.append(images.code)
        masks = images.read
        if len(ends) > 1:
            own = listed(f"{name.upper()}_MASKS", [Path(str(sample.mask)).name for sample in split])
            lists.append(own.code)
            masks = own.read
        elif (suffixes := next(iter(ends)))[0] != suffixes[1]:
            masks = f'[Path(name).stem + "{suffixes[1]}" for name in {images.read}]'
        pairs.append(f'    "{name}": ({images.read}, {masks}),')
    return [*lists, "\n".join(["SPLITS = {  # images and masks", *pairs, "}"])]


def _all_alike(recipe: SegmentationDataRecipe, samples: Sequence[Sample], multiple: int) -> bool:
    """Whether all images are of one size and stay so, which the network can take."""
    if {type(step).__name__ for step in (*recipe.prepare, *recipe.augment, *recipe.evaluate)} - {
        *("HorizontalFlip", "VerticalFlip", "Rotate", "Shear", "ShiftScaleRotate"),
        *("ColourJitter", "Equalize", "Blur", "GaussianNoise", "Grey"),
        *(("Rotate90",) if len({size for sample in samples for size in sample.size}) == 1 else ()),
    }:
        return False
    sizes = {sample.size for sample in samples}
    return len(sizes) == 1 and all(side % multiple == 0 for side in next(iter(sizes)))


def _read(recipe: SegmentationDataRecipe, samples: Sequence[Sample]) -> str:
    cached = fits_in_memory(samples) if recipe.cache == "auto" else recipe.cache
    found = 'read_image(DATA / "images" / image), read_mask(DATA / "masks" / mask)'
    body = f"return prepared({found})" if recipe.prepare else f"return {found}"
    head = "@cache\n" if cached else ""
    keeps = "; kept in memory once it was read" if cached else ""
    return head + block(f'''
        def read(image: str, mask: str) -> tuple[Tensor, Tensor]:
            """An image and its mask, as they are on disk{keeps}."""
            {body}
    ''')


def _dataset(recipe: SegmentationDataRecipe) -> str:
    lines = []
    if recipe.augment:
        lines += [
            'if self.split == "train":',
            '    image, mask = augmented(image, mask, Random(f"{SEED}/{self.epoch}/{index}"))',
        ]
    if recipe.evaluate:
        lines += ["else:" if recipe.augment else 'if self.split == "val":']
        lines += ["    image, mask = evaluated(image, mask)"]
    return samples_as_code(
        "Images, normalised, and the class id of each of their pixels.",
        ["self.split, self.epoch = split, epoch", "self.images, self.masks = SPLITS[split]"],
        [
            "image, mask = read(self.images[index], self.masks[index])",
            *lines,
            "return (image.float() - 255 * MEAN) / (255 * STD), mask[0].long()",
        ],
    )


def _padded(multiple: int) -> str:
    divisible = f", divisible by {multiple}" if multiple > 1 else ""
    size = "max(mask.shape[axis] for _, mask in samples)"
    size = f"-(-{size} // {multiple}) * {multiple}" if multiple > 1 else size
    return block(f'''
        def padded(samples: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
            """A batch of one size{divisible}: images are padded with their mean, masks with what is ignored."""
            height, width = ({size} for axis in (0, 1))
            images = torch.zeros(len(samples), 3, height, width)
            target = torch.full((len(samples), height, width), IGNORED)
            for i, (image, mask) in enumerate(samples):
                images[i, :, : mask.shape[0], : mask.shape[1]] = image
                target[i, : mask.shape[0], : mask.shape[1]] = mask
            return images, target
    ''')
