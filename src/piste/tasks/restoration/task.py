"""The task of restoration."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piste.data.images import read_image
from piste.data.problems import DataError, Problem
from piste.data.restoration.both import sizes_after
from piste.data.restoration.check import check_restoration
from piste.data.restoration.dataset import SameSize
from piste.data.restoration.opened import RestorationData, open_restoration
from piste.data.restoration.recipe import RestorationDataRecipe
from piste.losses import Loss, spec_of
from piste.metrics.restoration import RestorationScores, lpips_if_there, metric_names
from piste.models.restoration.critic import build_critic, least_side
from piste.models.restoration.networks import build_restoration_model
from piste.models.restoration.recipe import RestorationDiscriminatorRecipe, RestorationModelRecipe
from piste.models.restoration.tiles import in_tiles
from piste.models.restoration.upscale import upscaled
from piste.objective import Objective
from piste.objective.recipe import build, resolve
from piste.tasks.base import Batch, Deployed, EpochOrder, Examined, Exported, Prediction, Scripted, Task
from piste.tasks.base.discriminator import Discriminator
from piste.tasks.base.examined import Pixels
from piste.tasks.restoration.pictures import as_picture, detail, enlarged, sheet, where_it_matters

AUGMENTED = 3  # training pairs in the picture of augmented samples
VERSIONS = 4  # how often each of them is drawn
SHOWN = 3  # images in a snapshot
TRIED = 40  # among so many, those with most detail
CLOSE = 48  # pixels of each in a row and a column
ENOUGH = 640  # pixels in a row that every loss has room in; larger images are not tried


@final
class RestorationTask(Task):
    """Ties pairs of images, a network, an objective and measures of image quality together.

    Values are 0 … 1. The model's answers are not clipped for losses, and are for metrics. Beside the target, losses of
    one's own may ask for the `image` that was given. Where a loss is adversarial, a discriminator of patches is trained
    against the model.

    Args:
        data: the opened data set.
        model_recipe: the `model:` section.
        discriminator_recipe: the `discriminator:` section.
        loss: the resolved `loss:` section.
        seed: of order, augmentation and degradation.
    """

    summary: ClassVar[str] = "an image becomes a better one: super-resolution, denoising, sharpening"
    sections: ClassVar = {
        "data": RestorationDataRecipe,
        "model": RestorationModelRecipe,
        "discriminator": RestorationDiscriminatorRecipe,
    }
    default_metric: ClassVar[str] = "psnr"
    key_metrics: ClassVar = ("gain", "psnr", "ssim", "mae", "lpips")

    def __init__(
        self,
        data: RestorationData,
        model_recipe: RestorationModelRecipe,
        discriminator_recipe: RestorationDiscriminatorRecipe,
        loss: Mapping[str, Any],
        seed: int,
    ) -> None:
        self.data = data
        self.data_recipe = data.recipe
        self.model_recipe = model_recipe
        self.discriminator_recipe = discriminator_recipe
        self.loss = loss
        self.seed = seed
        self.lpips = lpips_if_there()
        objective = self.objective()
        self.adversarial = any(phase.adversarial for phase in objective.order)
        if not self.adversarial and discriminator_recipe != RestorationDiscriminatorRecipe():
            cure = "add one to `loss`, such as {hinge: {}, scale: 0.005}, or leave the section out"
            raise ValueError(f"`discriminator` would be trained by nothing: no loss is adversarial; {cure}")
        _refuse_small(data, objective, discriminator_recipe if self.adversarial else None)

    @classmethod
    def open(cls, sections: Mapping[str, Any], loss: Any, *, seed: int) -> Self:
        """The task that these sections of a recipe describe, all of them checked.

        Raises:
            ValueError: what is wrong with a section, or with the data.
            FileNotFoundError: a folder or file that is not there.
        """
        names = metric_names(lpips_if_there() is not None)
        resolved = resolve(loss, task=cls.name, activation="softmax", class_names=(), metrics=names)
        opened = open_restoration(sections["data"])
        return cls(opened, sections["model"], sections["discriminator"], resolved, seed)

    @property
    def metric_names(self) -> Sequence[str]:
        """Quality of what was restored, what it gains on the input, and the input's own; LPIPS where it is there."""
        return metric_names(self.lpips is not None)

    @property
    def splits(self) -> Sequence[str]:
        """Train, val and, where there is one, test."""
        return tuple(self.data.splits)

    def model(self) -> nn.Module:
        """A fresh network; random weights follow the current torch seed."""
        return build_restoration_model(self.model_recipe, self.data.scale)

    def discriminator(self) -> Discriminator | None:
        """A fresh discriminator of patches, where a loss is adversarial."""
        if not self.adversarial:
            return None
        return Discriminator(build_critic(self.discriminator_recipe), self.discriminator_recipe)

    def objective(self) -> Objective:
        """A fresh objective at its beginning."""
        return build(self.loss, activation="softmax")

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        """Batches of one split: drawn anew by (seed, epoch, sample) to train, in a fixed order to evaluate.

        A batch that is evaluated holds images of one size; where sizes differ they are taken size by size.
        """
        dataset = self.data.dataset(split, train=train, seed=self.seed)
        common: dict[str, Any] = {
            "num_workers": workers,
            "persistent_workers": workers > 0,
            "generator": torch.Generator(),  # the process's random state is not touched by reading
        }
        if train:
            order = EpochOrder(len(dataset), self.seed)
            return DataLoader(dataset, batch_size=batch_size, sampler=order, **common)
        sizes = [pair.size for pair in self.data.splits[split]]
        if len(set(sizes)) > 1:
            return DataLoader(dataset, batch_sampler=SameSize(sizes, batch_size), **common)
        return DataLoader(dataset, batch_size=batch_size, **common)

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        """One forward pass; what was given stands beside the target as `image`."""
        restored, target = model(batch["image"]).float(), batch["target"]
        counted = torch.tensor(float(target.numel()), device=target.device)
        return Batch(restored, target, None, counted, {"image": batch["image"]})

    def names(self, batch: Any) -> Sequence[str]:
        """The stems of the images."""
        stems: Sequence[str] = batch["name"]
        return stems

    def scores(self) -> "RestorationTaskScores":
        """Empty scores."""
        return RestorationTaskScores(self)

    def given(self, output: Batch) -> Tensor:
        """What the model was given, at the size of the target: the baseline."""
        return upscaled(output.beside["image"], self.data.scale)

    def examine(self, model: nn.Module, split: str, batches: Iterable[Any], before: Examined | None) -> Examined:
        """Every image's quality before and after, what is wrong at which fineness, and pictures, the worst first."""
        from piste.tasks.restoration.examination import examine

        return examine(self, model, split, batches)

    @classmethod
    def problems(cls, data: Any) -> Sequence[Problem]:
        """Everything that is wrong with a folder of pairs, or of clean images."""
        return check_restoration(data)

    def overview(self) -> list[dict[str, str]]:
        """Images and sizes, split by split."""
        rows = []
        for split, pairs in self.data.splits.items():
            sizes = sorted((pair.size for pair in pairs), key=lambda size: (size[0] * size[1], size))
            row = {"split": split, "images": str(len(pairs)), "scale": str(self.data.scale)}
            row |= {"smallest target": "{1}x{0}".format(*sizes[0]), "largest target": "{1}x{0}".format(*sizes[-1])}
            rows.append(row)
        return rows

    def facts(self) -> dict[str, Any]:
        """How many images there are, how much larger they become, and what was done to the clean ones."""
        degrade = self.data.recipe.model_dump(mode="json")["degrade"]
        images = {split: len(pairs) for split, pairs in self.data.splits.items()}
        return {"images": images, "scale": self.data.scale, "degrade": degrade}

    def augmented(self) -> dict[str, Pixels | list[str]]:
        """Training inputs above their targets, as they would be evaluated, and as some epochs show them."""
        train, plain = (self.data.dataset("train", train=train, seed=self.seed) for train in (True, False))
        if not train.augment and not train.degrade:
            return {}
        places = range(min(AUGMENTED, len(train)))
        arrays: dict[str, Pixels | list[str]] = {"names": [train.store.pairs[place].name for place in places]}
        for place in places:
            arrays[f"original_{place}"] = self._stacked(*plain.pixels(place))
            for epoch in range(VERSIONS):
                train.set_epoch(epoch)
                arrays[f"augmented_{place}_{epoch}"] = self._stacked(*train.pixels(place))
        return arrays

    def _stacked(self, given: Tensor, target: Tensor) -> Pixels:
        """The middle of an input, upscaled, above that of its target; both uint8 [3, H, W]."""
        large = upscaled(given[None].float() / 255, self.data.scale)[0]
        return sheet([[enlarged(as_picture(_middle(image)))] for image in (large, target.float() / 255)])

    @cached_property
    def _looked_at(self) -> list[int]:
        """The images for validation with most detail, among those tried."""
        dataset = self.data.dataset("val", train=False)
        tried = sorted({len(dataset) * i // TRIED for i in range(TRIED)})
        return sorted(tried, key=lambda place: -float(detail(dataset[place]["target"]).mean()))[:SHOWN]

    @torch.no_grad()
    def snapshot(self, model: nn.Module) -> Pixels | None:
        """The same few images for validation: what was given, what is made of it now, and what it should be."""
        dataset = self.data.dataset("val", train=False)
        training, device, rows = model.training, next(model.parameters()).device, []
        model.eval()
        for place in self._looked_at:
            item = dataset[place]
            given = item["image"][None].to(device)
            images = [upscaled(given, self.data.scale)[0], in_tiles(model, given, self.data.scale)[0], item["target"]]
            cut = where_it_matters(detail(item["target"]), CLOSE)
            rows.append([enlarged(as_picture(image[:, cut[0], cut[1]])) for image in images])
        model.train(training)
        return sheet([row for row in rows if row[0].shape == rows[0][0].shape])

    def exported(self, model: nn.Module) -> Exported:
        """The network from images to images, larger by the task's scale."""
        scale = self.data.scale
        return Exported(
            Deployed(model, None, partial(torch.clamp, min=0.0, max=1.0)),
            torch.rand(2, 3, 64, 64),
            takes="RGB images, float32 [N, 3, H, W], 0 … 1",
            gives=f"RGB images, float32 [N, 3, {scale} H, {scale} W], 0 … 1"
            if scale > 1
            else "images of the same shape",
            input="image",
            output="restored",
            free={0: 1, 2: 16, 3: 16},
            facts={"scale": scale},
        )

    def scripted(self) -> Scripted:
        """Pairs of images, a small network, and how near what it makes comes to the targets."""
        from piste.tasks.restoration.scripted import scripted

        return scripted(self)

    @torch.no_grad()
    def predict(self, model: nn.Module, path: Path) -> Prediction:
        """What the model makes of an image file."""
        device = next(model.parameters()).device
        image = torch.from_numpy(read_image(path, self.data.recipe.window)).permute(2, 0, 1)
        restored = in_tiles(model, (image.float() / 255)[None].to(device), self.data.scale)[0]
        height, width = restored.shape[-2:]
        return Prediction(
            {"width": width, "height": height, "scale": self.data.scale}, {"restored": as_picture(restored)}
        )


@final
class RestorationTaskScores:
    """Image quality over the batches of a split.

    Args:
        task: says what was given.
    """

    def __init__(self, task: RestorationTask) -> None:
        self.task = task
        self.quality = RestorationScores(task.lpips)

    def update(self, output: Batch) -> None:
        """Add one batch."""
        self.quality.update(output.prediction, self.task.given(output), output.target)

    def compute(self) -> dict[str, float]:
        """Every metric by name; NaN where it is undefined."""
        return self.quality.compute()


def _middle(image: Tensor) -> Tensor:
    """The middle of an image, as large as pictures show it."""
    height, width = (min(96, side) for side in image.shape[-2:])
    top, left = (image.shape[-2] - height) // 2, (image.shape[-1] - width) // 2
    return image[:, top : top + height, left : left + width]


@torch.no_grad()
def _refuse_small(
    data: RestorationData, objective: Objective, discriminator: RestorationDiscriminatorRecipe | None
) -> None:
    """Refuse images that a loss or the discriminator has no place for; the first batch would show some of them only.

    Raises:
        DataError: the smallest image, and what it is too small for.
    """
    losses = {module for module in objective.modules() if isinstance(module, Loss)}
    features = [loss for loss in losses if spec_of(loss).family == "features"]
    for split in ("train", "val"):
        steps = data.recipe.augment if split == "train" else []
        sizes = {size: pair for pair in data.splits[split] for size in sizes_after(pair.size, steps)}
        for size in {min(sizes), min(sizes, key=lambda size: size[::-1])}:
            shown = f"{size[1]}x{size[0]} pixels (width x height), as {split} images are shown, are too few for"
            if discriminator is not None and min(size) < (least := least_side(discriminator.layers)):
                cure = f"whose {discriminator.layers} layers need {least}x{least}; take fewer layers or a larger crop"
                raise DataError(Problem(sizes[size].target, f"{shown} the discriminator, {cure}"))
            image = torch.full((1, 3, *(min(side, ENOUGH) for side in size)), 0.5)
            for loss in features:
                try:
                    loss(image, image)
                except (ValueError, RuntimeError) as error:
                    reason = str(error).splitlines()[0]
                    raise DataError(Problem(sizes[size].target, f"{shown} {spec_of(loss).name}: {reason}")) from error
