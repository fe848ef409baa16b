"""The task of making samples of noise that can't be told from real ones."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self, final

import torch
from pydantic import BaseModel
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piste.data.generation.dataset import GenerationDataset, Reals, noise
from piste.data.generation.gaussians import GaussianPoints, centres
from piste.data.generation.images import GenerationImages, open_images
from piste.data.generation.recipe import GaussiansRecipe, GenerationDataRecipe
from piste.data.problems import DataError, Problem
from piste.metrics.generation.modes import DEVIATIONS, judge_modes, mode_features
from piste.metrics.generation.names import IMAGE_METRICS, POINT_METRICS
from piste.metrics.generation.scores import GenerationScores
from piste.models.generation.build import build_discriminator, build_generator
from piste.models.generation.recipe import GenerationDiscriminatorRecipe, GenerationModelRecipe
from piste.objective import Objective
from piste.objective.recipe import build, resolve
from piste.tasks.base import Batch, EpochOrder, Examined, Exported, Prediction, Scripted, Task
from piste.tasks.base.discriminator import Discriminator
from piste.tasks.base.examined import Pixels
from piste.tasks.generation.judge import Trained, train_judge
from piste.tasks.generation.pictures import grid, scatter

SNAPSHOT = 64  # images in a snapshot
POINTS = 1024  # points in one


@final
class GenerationTask(Task):
    """Ties real samples, a generator, a discriminator and adversarial losses together.

    The model makes samples of noise; real samples stand beside them unpaired, so that an adversarial loss is what
    teaches it. It is judged on real samples that neither network has seen: images in the features of a classifier that
    is trained on the training images when it is first needed, points by the modes that they reach.

    Args:
        data: the opened images, or the mixture that points come from.
        data_recipe: the `data:` section with everything decided.
        model_recipe: the `model:` section.
        discriminator_recipe: the `discriminator:` section, completed.
        loss: the resolved `loss:` section.
        seed: of the order, the augmentation and the noise.

    Raises:
        ValueError: a network that does not suit the data, or a phase that would teach nothing.
    """

    summary: ClassVar[str] = "samples are made of noise, so that they can't be told from real ones (GAN)"
    sections: ClassVar = {
        "data": GenerationDataRecipe,
        "model": GenerationModelRecipe,
        "discriminator": GenerationDiscriminatorRecipe,
    }
    default_metric: ClassVar[str] = "frechet_distance"
    key_metrics: ClassVar = ("frechet_distance", "modes_covered", "high_quality", "sample_precision", "sample_recall")

    def __init__(
        self,
        data: GenerationImages | GaussiansRecipe,
        data_recipe: GenerationDataRecipe,
        model_recipe: GenerationModelRecipe,
        discriminator_recipe: GenerationDiscriminatorRecipe,
        loss: Mapping[str, Any],
        seed: int,
    ) -> None:
        self.data = data
        self.data_recipe = data_recipe
        self.model_recipe = model_recipe
        self.discriminator_recipe = discriminator_recipe
        self.loss = loss
        self.seed = seed
        self.shape = (2,) if isinstance(data, GaussiansRecipe) else data.shape
        with torch.random.fork_rng(devices=[]):
            self.model()  # refuses what can't be built
            self.discriminator()
        for phase in self.objective().order:
            if not phase.adversarial:
                raise ValueError(
                    f"loss: the phase {phase.name!r} has no adversarial loss, and nothing else compares samples of "
                    "noise with real ones; add one, such as hinge"
                )

    @classmethod
    def open(cls, sections: Mapping[str, Any], loss: Any, *, seed: int) -> Self:
        """The task that these sections of a recipe describe, all of them checked.

        Raises:
            ValueError: what is wrong with a section, or with the data.
            FileNotFoundError: a folder or file that is not there.
        """
        recipe, model = sections["data"], sections["model"]
        discriminator = sections["discriminator"].completed(model.name)
        points = recipe.path == "gaussians"
        metrics = POINT_METRICS if points else IMAGE_METRICS
        resolved = resolve(loss, task=cls.name, activation="sigmoid", class_names=(), metrics=metrics)
        if points:
            mixture = recipe.gaussians or GaussiansRecipe()
            settled = recipe.resolved(gaussians=mixture.model_dump(mode="json"))
            return cls(mixture, settled, model, discriminator, resolved, seed)
        images = open_images(recipe)
        return cls(images, images.recipe, model, discriminator, resolved, seed)

    def settled(self) -> dict[str, BaseModel]:
        """The discriminator's section, which follows the model's."""
        return {"discriminator": self.discriminator_recipe}

    @property
    def metric_names(self) -> Sequence[str]:
        """Distance, precision and recall in features; of points also the modes they reach."""
        return POINT_METRICS if self.modes is not None else IMAGE_METRICS

    @property
    def splits(self) -> Sequence[str]:
        """Train, val and, where there is one, test."""
        return ("train", "val") if isinstance(self.data, GaussiansRecipe) else tuple(self.data.pictures.splits)

    def model(self) -> nn.Module:
        """A fresh generator; random weights follow the current torch seed."""
        return build_generator(self.model_recipe, self.shape)

    def discriminator(self) -> Discriminator:
        """A fresh discriminator."""
        return Discriminator(build_discriminator(self.discriminator_recipe, self.shape), self.discriminator_recipe)

    def objective(self) -> Objective:
        """A fresh objective at its beginning."""
        return build(self.loss, activation="sigmoid")

    def reals(self, split: str, *, train: bool) -> Reals:
        """The real samples of a split."""
        if isinstance(self.data, GaussiansRecipe):
            return GaussianPoints(self.data, split)
        return self.data.reals(split, train=train, seed=self.seed)

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        """Batches of one split: shuffled and augmented by (seed, epoch, sample) to train, in order to evaluate."""
        dataset = GenerationDataset(self.reals(split, train=train), self.model_recipe.latent, self.seed, train=train)
        return DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=EpochOrder(len(dataset), self.seed) if train else None,
            num_workers=workers,
            persistent_workers=workers > 0,
            generator=torch.Generator(),  # the process's random state is not touched by reading
        )

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        """One forward pass: what the model makes of the batch's noise, beside real samples."""
        made = model(batch["latent"]).float()
        return Batch(made, batch["real"], None, torch.full((), float(len(made)), device=made.device))

    def names(self, batch: Any) -> Sequence[str]:
        """The names of the real samples."""
        names: Sequence[str] = batch["name"]
        return names

    @property
    def modes(self) -> tuple[Tensor, float] | None:
        """Centres and deviation of the mixture that points come from; None for images."""
        return (centres(self.data), self.data.deviation) if isinstance(self.data, GaussiansRecipe) else None

    @cached_property
    def judge(self) -> Trained:
        """The classifier in whose features images are compared, trained at the first use."""
        assert isinstance(self.data, GenerationImages)
        return train_judge(self.data)

    @torch.no_grad()
    def features(self, samples: Tensor) -> Tensor:
        """What samples are compared in, [N, D]."""
        if self.modes is not None:
            centre, deviation = self.modes
            return mode_features(samples, centre.to(samples.device), deviation)
        return self.judge.judge.to(samples.device).features(samples)

    def scores(self) -> "GenerationTaskScores":
        """Empty scores."""
        return GenerationTaskScores(GenerationScores(self.features, self.modes))

    def facts(self) -> dict[str, Any]:
        """What the judge of images is and can."""
        if isinstance(self.data, GaussiansRecipe):
            return {}
        asked = "classes" if self.data.labels is not None else "quarter turns"
        return {"judge": {"asked": asked, "accuracy": self.judge.accuracy}}

    @torch.no_grad()
    def made(self, model: nn.Module, count: int) -> Tensor:
        """Samples that a model makes of noise that follows from the seed alone; in eval mode."""
        model.eval()
        device = next(model.parameters()).device
        made: Tensor = model(noise((self.seed,), count, self.model_recipe.latent).to(device)).float()
        return made

    def snapshot(self, model: nn.Module) -> Pixels:
        """What the model makes of the same noise each time: images in a grid, points over real ones."""
        if isinstance(self.data, GaussiansRecipe):
            return self.plane(self.made(model, POINTS))
        return grid(self.made(model, SNAPSHOT), columns=8)

    def plane(self, points: Tensor, window: tuple[float, float, float] | None = None, side: int = 480) -> Pixels:
        """Generated points over real ones, all of the ring or what a window (x, y, half its side) shows."""
        assert isinstance(self.data, GaussiansRecipe)
        assert self.modes is not None
        centre, deviation = self.modes
        half = self.data.radius + 8 * deviation + 0.1 * self.data.radius
        inside = judge_modes(points.cpu(), centre, deviation).inside.tolist()
        real = GaussianPoints(self.data, "val").points
        return scatter(real, points, inside, centre, DEVIATIONS * deviation, window or (0.0, 0.0, half), side)

    def examine(self, model: nn.Module, split: str, batches: Iterable[Any], before: Examined | None) -> Examined:
        """How samples compare with real ones, and the oddest of them."""
        from piste.tasks.generation.examination import examine_images, examine_points

        examine = examine_points if isinstance(self.data, GaussiansRecipe) else examine_images
        return examine(self, model, batches)

    def exported(self, model: nn.Module) -> Exported:
        """The generator from noise to samples."""
        latent = self.model_recipe.latent
        with torch.no_grad():
            shape = ", ".join(map(str, model(torch.zeros(2, latent)).shape[1:]))
        return Exported(
            model,
            torch.randn(2, latent),
            takes=f"noise drawn from a standard normal, float32 [N, {latent}]",
            gives=f"samples, float32 [N, {shape}], scaled as training saw them",
            input="noise",
            output="samples",
            free={0: 1},
        )

    def scripted(self) -> Scripted:
        """What it brings to a script that trains the same pair."""
        from piste.tasks.generation.scripted import scripted

        return scripted(self)

    def predict(self, model: nn.Module, path: Path) -> Prediction:
        """Refuse: samples are made of noise, and no file is read.

        Raises:
            DataError: always.
        """
        rule = "a generator makes samples of noise and reads no file; look at the run's snapshots and its report"
        raise DataError(Problem(path, rule))


@final
class GenerationTaskScores:
    """Scores over the batches of a split.

    Args:
        scores: empty.
    """

    def __init__(self, scores: GenerationScores) -> None:
        self.scores = scores

    def update(self, output: Batch) -> None:
        """Adds one batch."""
        self.scores.add(output.target, output.prediction)

    def compute(self) -> Mapping[str, float]:
        """Every metric by name."""
        return self.scores.compute()
