"""Real samples with noise beside them as plain Python: images, or points of a mixture."""

from pathlib import Path
from typing import NamedTuple

from piste.data.generation.images import GenerationImages
from piste.data.generation.recipe import GaussiansRecipe
from piste.data.pictures import ImageArray, ImageFiles
from piste.data.script.arrays import SPLITS, arrays_as_code, places_as_code
from piste.data.script.pictures import reader_as_code, shown_as_code, splits_as_code, within
from piste.data.script.reading import changes, changing, image_reader
from piste.data.script.samples import samples_as_code
from piste.data.script.text import assigned, block, listed


class Reals(NamedTuple):
    """Real samples as code, for `tasks.base.Scripted`."""

    constants: list[str]
    code: list[str]
    lists: list[str]


def points_as_code(recipe: GaussiansRecipe) -> Reals:
    """Points of a mixture of normal distributions."""
    constants = [
        assigned("MODES", recipe.modes, "normal distributions, evenly on a circle"),
        assigned("RADIUS", recipe.radius, "of the circle"),
        assigned("DEVIATION", recipe.deviation, "of each distribution"),
        assigned("POINTS", {"train": recipe.train, "val": recipe.val}),
    ]
    points = _POINTS.replace("SEED_OF_POINTS", f"{2 * recipe.seed} + " if recipe.seed else "")
    return Reals(constants, [block(_NOISE), block(_CENTRES), block(points), block(_DATASET_OF_POINTS)], [])


def images_as_code(images: GenerationImages) -> Reals:
    """Images from files or arrays, from -1 to 1.

    Raises:
        ValueError: what of them can't be written.
    """
    recipe, held = images.recipe, images.pictures
    constants, normalised = shown_as_code(recipe, images.channels)
    if isinstance(held.pictures, ImageFiles):
        folder = Path(recipe.path).expanduser().resolve()
        folder = folder.parent if folder.is_file() else folder
        files = held.pictures
        own = [[files.paths[i] for i in held.splits[split]] for split in SPLITS]
        written = [
            listed(f"{split.upper()}_IMAGES", [within(path, folder) for path in paths])
            for split, paths in zip(SPLITS, own, strict=True)
        ]
        place, reading = [f'DATA = Path("{folder.as_posix()}")'], [image_reader(recipe, [p for ps in own for p in ps])]
        lists = [*(each.code for each in written), splits_as_code([each.read for each in written])]
        after = [reader_as_code(held)]
        real, images_of_split = "read(self.images[index])", "SPLITS[split]"
    else:
        assert isinstance(held.pictures, ImageArray)
        place, reading = arrays_as_code(recipe.path, labels=False)
        lists, read = places_as_code(held.splits, len(held.pictures.pixels))
        lists.append(splits_as_code(read))
        after = []
        colour = "permute(2, 0, 1)" if held.pictures.pixels.ndim == 4 else "expand(3, -1, -1)"
        real = f"torch.from_numpy(self.images[index]).{colour}.contiguous()"
        real, images_of_split = f"prepared({real})" if recipe.prepare else real, "load()[SPLITS[split]]"
    code = [block(_NOISE), *reading, *changes(recipe, masked=False), *after]
    return Reals([*place, *constants], [*code, _dataset(images, real, images_of_split, normalised)], lists)


def _dataset(images: GenerationImages, real: str, images_of_split: str, normalised: str) -> str:
    recipe = images.recipe
    return samples_as_code(
        "Noise, and a real image, from -1 to 1, for each.",
        [
            'self.epoch = epoch if split == "train" else -1',
            *(["self.split = split"] if recipe.augment or recipe.evaluate else []),
            f"self.images = {images_of_split}",
        ],
        [f"image = {real}", *changing(recipe), f"real = {normalised}", "return noise(self.epoch, index), real"],
    )


_NOISE = '''
    def noise(epoch: int, index: int) -> Tensor:
        """Normal numbers that follow from the seed, the epoch and the place of a sample."""
        return torch.randn(LATENT, generator=torch.Generator().manual_seed(hash((SEED, epoch, index)) % 2**63))
'''

_CENTRES = '''
    def centres() -> Tensor:
        """The centres of the modes, [MODES, 2]."""
        angles = torch.arange(MODES) * (2 * math.pi / MODES)
        return RADIUS * torch.stack([angles.cos(), angles.sin()], 1)
'''

_POINTS = '''
    @cache
    def points(split: str) -> Tensor:
        """The points of a split, dealt evenly to the modes; they are the same in each epoch."""
        generator = torch.Generator().manual_seed(SEED_OF_POINTSint(split == "train"))
        centre = centres()[torch.arange(POINTS[split]) % MODES]
        return centre + DEVIATION * torch.randn(len(centre), 2, generator=generator)
'''

_DATASET_OF_POINTS = '''
    class Samples(Dataset):
        """Noise, and a real point for each."""

        def __init__(self, split: str, epoch: int) -> None:
            self.epoch = epoch if split == "train" else -1
            self.points = points(split)

        def __len__(self) -> int:
            return len(self.points)

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            return noise(self.epoch, index), self.points[index]
'''
