"""The task of detection, and its scores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piste.data.detection.data import DetectionData, check_detection, open_detection
from piste.data.detection.dataset import counted
from piste.data.detection.recipe import DetectionDataRecipe
from piste.data.problems import Problem
from piste.data.section import Statistics
from piste.losses import HardMining, MultiBox, spec_of
from piste.metrics.detection import DetectionScores, detection_metric_names
from piste.models.detection.architectures import ARCHITECTURES, every_part
from piste.models.detection.build import build_detector, check_detector
from piste.models.detection.deployed import DeployedDetector
from piste.models.detection.one_stage import OneStage
from piste.models.detection.recipe import DetectionModelRecipe
from piste.objective import Objective
from piste.objective.recipe import build, resolve
from piste.tasks.base import Batch, EpochOrder, Examined, Exported, Prediction, Scripted, Task
from piste.tasks.base.examined import Pixels
from piste.tasks.detection.drawing import HIT, draw_boxes, hits_and_misses, mosaic, surer

AUGMENTED = 6  # training images shown in the report's picture of augmented samples
VERSIONS = 4  # how often each of them is drawn
SNAPSHOT = 4  # validation images drawn after each epoch, those with most objects
PLAIN = 224  # what small images are enlarged to where they are many
THRESHOLD = 0.5  # the score from which a box is drawn where none was chosen on data


@final
class DetectionTask(Task):
    """Ties images and boxes, a detector, an objective of several parts and the metrics of boxes together.

    The model scores the classes, and with softmax what is none of them; its anchors or proposals are matched to the
    objects as torchvision does it, and what the losses price is handed out by part: `classification`, `box`, and what
    else the architecture has. Costs are summed with weights that are shares, so that they are divided by
    `model.normalizer`.

    Args:
        data: the opened data set.
        model_recipe: the `model:` section.
        loss: the resolved `loss:` section.
        seed: of the order and the augmentation.
    """

    summary: ClassVar[str] = "every object of an image gets a box and a class"
    sections: ClassVar = {"data": DetectionDataRecipe, "model": DetectionModelRecipe}
    parts: ClassVar = every_part()
    default_metric: ClassVar[str] = "ap50"
    key_metrics: ClassVar = ("ap50", "ap", "f1", "precision", "recall", "count_error")
    joins: ClassVar = False

    def __init__(
        self, data: DetectionData, model_recipe: DetectionModelRecipe, loss: Mapping[str, Any], seed: int
    ) -> None:
        self.data = data
        self.data_recipe = data.recipe
        self.model_recipe = model_recipe
        self.loss = loss
        self.seed = seed
        self.outlines = model_recipe.name == "mask_rcnn"
        self.predicted = ARCHITECTURES[model_recipe.name].parts

    @classmethod
    def open(cls, sections: Mapping[str, Any], loss: Any, *, seed: int) -> Self:
        """The task that these sections of a recipe describe, all of them checked.

        Raises:
            ValueError: what is wrong with a section, or with the data.
            FileNotFoundError: a folder or file that is not there.
        """
        model: DetectionModelRecipe = sections["model"]
        check_detector(model)
        data = open_detection(sections["data"])
        if model.name == "mask_rcnn" and not data.masks:
            raise ValueError("`model.name`: mask_rcnn learns from outlines; set data.masks=true, or use faster_rcnn")
        parts = ARCHITECTURES[model.name].parts
        activation = parts["classification"].activation
        resolved = resolve(
            loss,
            task="detection",
            activation=activation,
            class_names=[*(["background"] if activation == "softmax" else []), *data.class_names],
            counts=data.counts if activation == "sigmoid" else None,
            metrics=detection_metric_names(data.class_names, masks=model.name == "mask_rcnn"),
            parts=parts,
        )
        task = cls(data, model, resolved, seed)
        _check_normalizer(model, task.objective())
        return task

    @property
    def splits(self) -> Sequence[str]:
        """Those of the data."""
        return list(self.data.splits)

    @property
    def metric_names(self) -> Sequence[str]:
        """The scores of boxes: over all classes, then each class."""
        return detection_metric_names(self.data.class_names, masks=self.outlines)

    def model(self) -> nn.Module:
        """A fresh network; random weights follow the current torch seed."""
        normalize = self.data.recipe.normalize
        assert isinstance(normalize, Statistics), "an opened data set has it in numbers"
        return build_detector(self.model_recipe, len(self.data.class_names), normalize.mean, normalize.std)

    def objective(self) -> Objective:
        """A fresh objective at its beginning."""
        return build(self.loss, activation=self.predicted["classification"].activation, parts=self.predicted)

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        """Batches of one split: shuffled and augmented by (seed, epoch, sample) to train, in order to evaluate."""
        dataset = self.data.dataset(split, train=train, seed=self.seed)
        return DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=EpochOrder(len(dataset), self.seed) if train else None,
            num_workers=workers,
            persistent_workers=workers > 0,
            collate_fn=self.data.collate,
            generator=torch.Generator(),  # the process's random state is not touched by reading
        )

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        """One forward pass; outside of training the detections stand beside what the losses price."""
        images, targets = batch["image"], batch["targets"]
        found = model(images, [counted(target) for target in targets])
        prediction, target = dict(found.prediction), dict(found.target)
        if not model.training:
            prediction["detections"], target["detections"] = found.detections, targets
        return Batch(prediction, target, found.mask, torch.tensor(len(images), device=images[0].device))

    def names(self, batch: Any) -> Sequence[str]:
        """The stems of the images."""
        stems: Sequence[str] = batch["name"]
        return stems

    def scores(self) -> "DetectionTaskScores":
        """Empty scores."""
        return DetectionTaskScores(self)

    def examine(self, model: nn.Module, split: str, batches: Iterable[Any], before: Examined | None) -> Examined:
        """See `piste.tasks.detection.examination`."""
        from piste.tasks.detection.examination import examine

        return examine(self, model, split, batches, before)

    def exported(self, model: nn.Module) -> Exported:
        """A network of one stage from images of one size to the box and the scores of each anchor."""
        if not isinstance(model, OneStage):
            raise ValueError(
                f"`model.name`: {self.model_recipe.name} chooses what to look at while it looks, and can't be written"
                " as one function from an image to boxes; `piste predict` runs it"
            )
        height, width = self.data.dataset("val", train=False)[0]["image"].shape[1:]
        settings = ("score_thresh", "nms_thresh", "detections_per_img")
        return Exported(
            DeployedDetector(model, (height, width)),
            torch.rand(2, 3, height, width),
            takes=f"RGB images, float32 [N, 3, {height}, {width}], 0 … 1",
            gives="the box of each anchor, float32 [N, A, 4], left, top, right, bottom in pixels, and its score of each"
            " class, float32 [N, A, C]; of boxes that overlap, all",
            input="image",
            output=("boxes", "scores"),
            free={0: 1},
            facts={"classes": list(self.data.class_names), **{key: getattr(model.net, key) for key in settings}},
        )

    def scripted(self) -> Scripted:
        """See `piste.tasks.detection.scripted`."""
        from piste.tasks.detection.scripted import scripted

        return scripted(self)

    @classmethod
    def problems(cls, data: Any) -> Sequence[Problem]:
        """Everything that is wrong with images and annotations."""
        return check_detection(data)

    def overview(self) -> list[dict[str, str]]:
        """Images, and each class's objects, split by split."""
        rows = []
        for split in self.splits:
            dataset = self.data.dataset(split, train=False)
            targets = [dataset[i]["target"] for i in range(len(dataset))]
            row = {"split": split, "images": str(len(targets))}
            for label, name in enumerate(self.data.class_names, start=1):
                found = [int((counted(target)["labels"] == label).sum()) for target in targets]
                row |= {name: str(sum(found)), f"images with {name}": str(sum(each > 0 for each in found))}
            rows.append(row)
        return rows

    def facts(self) -> dict[str, Any]:
        """The classes, and how often each occurs."""
        return {"classes": list(self.data.class_names), "background": None, "counts": asdict(self.data.counts)}

    def augmented(self) -> dict[str, Pixels | list[str]]:
        """Training images and boxes as they are and as augmentation shows them; those with most objects say most."""
        if not self.data.recipe.augment:
            return {}
        arrays: dict[str, Pixels | list[str]] = {}
        names = []
        for i, index in enumerate(self._fullest("train", AUGMENTED)):
            names.append(self.data.splits["train"][index].name)
            arrays[f"original_{i}"] = _with_boxes(self.data.raw("train", index))
            for j in range(VERSIONS):
                arrays[f"augmented_{i}_{j}"] = _with_boxes(self.data.augmented(index, epoch=j, seed=self.seed))
        return arrays | {"names": names}

    @cached_property
    def _pictured(self) -> list[int]:
        """The validation images that are drawn after each epoch."""
        return self._fullest("val", SNAPSHOT)

    def _fullest(self, split: str, number: int) -> list[int]:
        """The images of a split with most objects."""
        dataset = self.data.dataset(split, train=False)
        found = [len(dataset[i]["target"]["labels"]) for i in range(len(dataset))]
        return sorted(range(len(found)), key=lambda i: -found[i])[:number]

    @torch.no_grad()
    def snapshot(self, model: nn.Module) -> Pixels | None:
        """A few validation images with what the model finds on them."""
        device = next(model.parameters()).device
        dataset = self.data.dataset("val", train=False)
        items = [dataset[i] for i in self._pictured]
        training = model.training
        found = model.eval()([item["image"].to(device) for item in items]).detections
        model.train(training)
        pictures = []
        for item, each in zip(items, found, strict=True):
            image = self.data.raw("val", item["index"]).image
            boxes = {name: values.cpu() for name, values in each.items()}
            target: Any = item["target"]
            least = [THRESHOLD] * len(self.data.class_names)
            panels, _ = hits_and_misses(image, boxes, target, least, self.data.class_names, side=PLAIN)
            pictures.append(panels["predicted"])
        return mosaic(pictures)

    @torch.no_grad()
    def predict(self, model: nn.Module, path: Path) -> Prediction:
        """The objects in an image file, in pixels of the file, the surest first."""
        image, (height, width) = self.data.read(path)
        (found,) = model([image.to(next(model.parameters()).device)]).detections
        scale = torch.tensor([width / image.shape[2], height / image.shape[1]]).repeat(2)
        names = self.data.class_names
        sure = {name: values.cpu() for name, values in surer(found, [THRESHOLD] * len(names)).items()}
        boxes = (sure["boxes"] * scale).tolist()
        objects = [
            {"class": names[label - 1], "score": round(score, 4), "box": [round(side, 2) for side in box]}
            for label, score, box in zip(sure["labels"].tolist(), sure["scores"].tolist(), boxes, strict=True)
        ]
        shown = image.mul(255).round().byte().permute(1, 2, 0).contiguous().numpy()
        words = [f"{each['class']} {each['score']:.2f}" for each in objects]
        drawn = draw_boxes(shown, sure["boxes"].tolist(), [HIT] * len(objects), words)
        return Prediction({"objects": objects}, {"boxes": drawn})


def _check_normalizer(model: DetectionModelRecipe, objective: Objective) -> None:
    """Refuse a normalizer that a loss would not follow."""
    usual = ARCHITECTURES[model.name].normalizers[0]
    for loss in objective.modules():
        if model.normalizer != usual and isinstance(loss, MultiBox | HardMining):
            raise ValueError(
                f"`model.normalizer` is {model.normalizer}, but {spec_of(loss).name} divides by what it takes itself;"
                f" leave {usual}, or choose another loss"
            )


def _with_boxes(seen: Any) -> Pixels:
    return draw_boxes(seen.image, seen.boxes.tolist(), [HIT] * len(seen.boxes), side=PLAIN)


@final
class DetectionTaskScores:
    """Scores of boxes over the batches of a split.

    Args:
        task: says which classes there are.
    """

    def __init__(self, task: DetectionTask) -> None:
        self.boxes = DetectionScores(task.data.class_names, masks=task.outlines)

    def update(self, output: Batch) -> None:
        """Add one batch."""
        found: list[dict[str, Tensor]] = output.prediction["detections"]
        self.boxes.update(found, output.target["detections"])

    def compute(self) -> dict[str, float]:
        """Every metric by name; NaN where it is undefined."""
        return self.boxes.compute()
