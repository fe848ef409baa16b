"""The task of reading lines of text, and its scores."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piste.data.images import read_image
from piste.data.problems import DataError, Problem
from piste.data.section import Statistics
from piste.data.text.alphabet import steps_needed
from piste.data.text.check import check_text
from piste.data.text.dataset import collate
from piste.data.text.recipe import TextDataRecipe
from piste.data.text.text import TextData, open_text
from piste.losses.sequences.alignment import cost_of_alignment
from piste.metrics.decoding import beam_search, greedy
from piste.metrics.text import TEXT_METRICS, TextScores
from piste.models.text.build import build_text_model, check_height
from piste.models.text.columns import steps_of
from piste.models.text.recipe import Beam, Greedy, TextModelRecipe
from piste.objective import Objective
from piste.objective.recipe import build, resolve
from piste.tasks.base import Batch, Deployed, Examined, Exported, Prediction, Scripted, Task
from piste.tasks.base.examined import Pixels
from piste.tasks.text.order import WidthOrder
from piste.tasks.text.pictures import read_line, stacked

SHOWN = 3  # lines in a snapshot
AUGMENTED = 6  # lines in the picture of augmented ones
VERSIONS = 4  # how often each of the latter is drawn


@final
class TextTask(Task):
    """Ties lines, an alphabet, a network that scores each step of a line, an alignment loss and error rates together.

    The model scores the blank (class 0) and the characters of the alphabet (from class 1 on) at each step, and the
    target is the classes of a line's characters, wherever in the line they stand. Characters that only lines for
    evaluation have can't be written: the loss leaves them out, and each counts as an error.

    Args:
        data: the opened data set.
        model_recipe: the `model:` section.
        loss: the resolved `loss:` section.
        seed: of the order and the augmentation.

    Raises:
        DataError: a line is too narrow for its text.
    """

    summary: ClassVar[str] = "a line of text is read, character by character (OCR)"
    sections: ClassVar = {"data": TextDataRecipe, "model": TextModelRecipe}
    default_metric: ClassVar[str] = "cer"
    key_metrics: ClassVar = TEXT_METRICS
    joins: ClassVar = False

    def __init__(self, data: TextData, model_recipe: TextModelRecipe, loss: Mapping[str, Any], seed: int) -> None:
        self.data = data
        self.data_recipe = data.recipe
        self.model_recipe = model_recipe
        self.loss = loss
        self.seed = seed
        _refuse_narrow(data, model_recipe)

    @classmethod
    def open(cls, sections: Mapping[str, Any], loss: Any, *, seed: int) -> Self:
        """The task that these sections of a recipe describe, all of them checked.

        Raises:
            ValueError: what is wrong with a section, or with the data.
            FileNotFoundError: a folder or file that is not there.
        """
        data, model = sections["data"], sections["model"]
        check_height(data.height)
        resolved = partial(resolve, loss, task=cls.name, activation="softmax", metrics=TEXT_METRICS)
        resolved(class_names=())  # refuses a wrong loss before the data are read
        opened = open_text(data)
        return cls(opened, model, resolved(class_names=["blank", *opened.alphabet.characters]), seed)

    @property
    def metric_names(self) -> Sequence[str]:
        """Character error rate, word error rate, share of exact lines."""
        return TEXT_METRICS

    @property
    def splits(self) -> Sequence[str]:
        """Train, val and, where there is one, test."""
        return tuple(self.data.splits)

    def model(self) -> nn.Module:
        """A fresh network; random weights follow the current torch seed."""
        return build_text_model(self.model_recipe, height=self.data.recipe.height, classes=self.data.alphabet.classes)

    def objective(self) -> Objective:
        """A fresh objective at its beginning."""
        return build(self.loss, activation="softmax")

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        """Batches of one split: shuffled and augmented by (seed, epoch, sample) to train, in order to evaluate."""
        dataset = self.data.dataset(split, train=train, seed=self.seed)
        return DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=WidthOrder(self.data.widths(split), self.seed) if train else None,
            num_workers=workers,
            persistent_workers=workers > 0,
            collate_fn=collate,
            generator=torch.Generator(),  # the process's random state is not touched by reading
        )

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        """One forward pass; lengths stay on the CPU, where the loss reads them."""
        widths = torch.tensor(batch["width"])
        logits = model(batch["image"], widths).float()
        beside = {
            "logit_lengths": steps_of(widths, self.model_recipe.stride),
            "target_lengths": torch.tensor(batch["length"]),
            "truth": batch["truth"],
        }
        lines = torch.full((), len(widths), device=logits.device)
        return Batch(logits, batch["target"], None, lines, beside)

    def names(self, batch: Any) -> Sequence[str]:
        """The paths of the images."""
        paths: Sequence[str] = batch["name"]
        return paths

    def read(self, output: Batch, decoding: Greedy | Beam | None = None) -> Tensor:
        """The characters that a forward pass reads: ids [N, T], each row filled up with -1.

        Args:
            output: of `forward`.
            decoding: how; None as the recipe says.
        """
        decoding = decoding or self.model_recipe.decode
        lengths = output.beside["logit_lengths"]
        if isinstance(decoding, Beam):
            return beam_search(output.prediction, lengths, width=decoding.width)[0]
        return greedy(output.prediction, lengths)

    def scores(self) -> "TextTaskScores":
        """Empty scores."""
        return TextTaskScores(self)

    def examine(self, model: nn.Module, split: str, batches: Iterable[Any], before: Examined | None) -> Examined:
        """Error rates by both decodings, which characters are misread, and the worst lines."""
        from piste.tasks.text.examination import examine

        return examine(self, model, split, batches)

    def exported(self, model: nn.Module) -> Exported:
        """A network from images of lines to the probabilities of each step."""
        normalize, height, stride = self.data.recipe.normalize, self.data.recipe.height, self.model_recipe.stride
        assert isinstance(normalize, Statistics), "open_text puts numbers here"
        return Exported(
            Deployed(model, normalize, nn.Softmax(-1)),
            torch.rand(2, 3, height, 32 * stride),
            takes=f"RGB images of lines, float32 [N, 3, {height}, W], 0 … 1, W a multiple of {stride}",
            gives="the probability of the blank (0) and of each character (from 1 on) at each step, float32 [N, T, C]",
            input="image",
            output="probabilities",
            free={0: 1, 3: stride},
            facts={"alphabet": self.data.alphabet.characters},
        )

    def scripted(self) -> Scripted:
        """Lines, a network and error rates as plain Python."""
        from piste.tasks.text.scripted import scripted

        return scripted(self)

    @classmethod
    def problems(cls, data: Any) -> Sequence[Problem]:
        """Everything that is wrong with a folder of lines."""
        return check_text(data)

    def overview(self) -> list[dict[str, str]]:
        """Lines, characters, widths and unknown characters, split by split."""
        rows = []
        for split in self.splits:
            lines, widths = self.data.lines(split), self.data.widths(split)
            rows.append(
                {
                    "split": split,
                    "lines": str(len(lines)),
                    "characters": str(sum(map(len, lines))),
                    "longest": f"{max(map(len, lines))} characters",
                    "widths": f"{min(widths)} … {max(widths)} px",
                    "not in the alphabet": " ".join(self.data.unknown[split]) or "none",
                }
            )
        return rows

    def facts(self) -> dict[str, Any]:
        """The alphabet, how many lines there are, and which characters no model can write."""
        return {
            "alphabet": self.data.alphabet.characters,
            "lines": {split: len(places) for split, places in self.data.splits.items()},
            "unknown_characters": self.data.unknown,
        }

    def augmented(self) -> dict[str, Pixels | list[str]]:
        """Training lines as they are and as augmentation shows them."""
        if not self.data.recipe.augment:
            return {}
        dataset = self.data.dataset("train", train=True, seed=self.seed)
        places = range(min(AUGMENTED, len(dataset)))
        arrays: dict[str, Pixels | list[str]] = {"names": [dataset.store.name(place) for place in places]}
        for place in places:
            arrays[f"original_{place}"] = _picture(dataset.store[place])
            for epoch in range(VERSIONS):
                dataset.set_epoch(epoch)
                arrays[f"augmented_{place}_{epoch}"] = _picture(dataset.pixels(place))
        return arrays

    @torch.no_grad()
    def snapshot(self, model: nn.Module) -> Pixels | None:
        """The same few lines for validation with what is read of them now, the mistakes marked."""
        dataset = self.data.dataset("val", train=False)
        count = min(SHOWN, len(dataset))
        places = [len(dataset) * i // count for i in range(count)]
        training, device = model.training, next(model.parameters()).device
        batch = collate([dataset[place] for place in places])
        output = self.forward(model.eval(), {**batch, "image": batch["image"].to(device)})
        model.train(training)
        return stacked(
            [
                read_line(_picture(self.data.image("val", place)), self.data.alphabet.text(ids), dataset.texts[place])
                for place, ids in zip(places, self.read(output).tolist(), strict=True)
            ]
        )

    @torch.no_grad()
    def predict(self, model: nn.Module, path: Path) -> Prediction:
        """What an image file of a line says, and how probable the model takes that to be."""
        device = next(model.parameters()).device
        pixels = torch.from_numpy(read_image(path, self.data.recipe.window)).permute(2, 0, 1)
        image, normalised = self.data.prepared(pixels)
        width = [image.shape[2]]
        batch = {"image": normalised[None].to(device), "width": width, "length": [0], "target": None, "truth": None}
        output = self.forward(model, batch)
        ids = self.read(output)
        ids = ids[:, ids[0] > 0]
        steps = output.beside["logit_lengths"]
        cost = cost_of_alignment(output.prediction, ids, steps, torch.tensor([ids.shape[1]]), blank=0)
        text = self.data.alphabet.text(ids[0].tolist())
        facts = {"text": text, "probability": float(torch.exp(-cost))}
        return Prediction(facts, {"line": read_line(_picture(image), text)})


@final
class TextTaskScores:
    """Error rates over the batches of a split, read as the task reads.

    Args:
        task: says how its forward passes are read.
        decoding: how else; None as the recipe says.
    """

    def __init__(self, task: TextTask, decoding: Greedy | Beam | None = None) -> None:
        self.task = task
        self.decoding = decoding
        self.text = TextScores(task.data.alphabet.space)

    def update(self, output: Batch) -> None:
        """Add one batch."""
        self.text.update(self.task.read(output, self.decoding), output.beside["truth"])

    def compute(self) -> dict[str, float]:
        """Every metric by name; NaN where it is undefined."""
        return self.text.compute()


def _refuse_narrow(data: TextData, model: TextModelRecipe) -> None:
    """Refuse lines that no path could read, because they have fewer steps than their text needs.

    Raises:
        DataError: the first of them, with what would help, and how many there are.
    """
    narrow = [
        (split, index, needed, steps)
        for split in data.splits
        for index, (text, width) in enumerate(zip(data.lines(split), data.widths(split), strict=True))
        if (needed := steps_needed(data.alphabet.target(text))) > (steps := -(-width // model.stride))
    ]
    for split, index, needed, steps in narrow[:1]:
        text, width = data.lines(split)[index], data.widths(split)[index]
        came = f"its text {text!r:.40} needs {needed} steps, and {width} pixels at data.height give {steps}"
        smaller = "a smaller model.stride, " if model.stride > 2 else ""
        cure = f"take {smaller}a greater data.height, or mend the label"
        more = f" ({len(narrow) - 1} more like it)" if len(narrow) > 1 else ""
        raise DataError(Problem(data.path(split, index), f"is too narrow: {came}; {cure}{more}"))


def _picture(image: Tensor) -> Pixels:
    return image.permute(1, 2, 0).contiguous().numpy()
