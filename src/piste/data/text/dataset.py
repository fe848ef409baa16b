"""What the model is shown of lines: normalised images and the classes of their characters, alone and in batches."""

from collections.abc import Sequence
from typing import TypedDict, final

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from piste.data.augment import Pipeline
from piste.data.draws import Draws
from piste.data.picture_store import PictureStore
from piste.data.section import Statistics
from piste.data.text.alphabet import Alphabet

NOTHING = -1
"""What stands behind the end of a truth."""


class Line(TypedDict):
    """One line.

    image float32 [3, H, W], normalised; target int64 [L], the classes that the model can write; truth int64, the ids
    of all characters; its place in the split; its name.
    """

    image: Tensor
    target: Tensor
    truth: Tensor
    index: int
    name: str


class Lines(TypedDict):
    """A batch: image float32 [N, 3, H, W]; target int64 [N, L]; truth int64 [N, M]; index int64 [N]; N names.

    Lines are padded with the mean colour (0 once normalised) at the right, targets with 0 and truths with -1; `width`
    is that of each line in pixels and `length` that of each target. These are plain numbers, so that they stay on the
    CPU, where packing lines and aligning them reads them.
    """

    image: Tensor
    width: list[int]
    target: Tensor
    length: list[int]
    truth: Tensor
    index: Tensor
    name: list[str]


@final
class TextDataset(Dataset[Line]):
    """The lines of a split, put through a pipeline and normalised.

    A sample depends on (seed, epoch, index) alone, as `Draws` says.

    Args:
        store: images, all of one height.
        texts: what each says.
        alphabet: gives the characters their classes.
        pipeline: what is done to each, anew in each epoch.
        normalize: mean and deviation that the image is normalised with.
        seed: what all randomness follows from.
    """

    def __init__(
        self,
        store: PictureStore,
        texts: Sequence[str],
        alphabet: Alphabet,
        pipeline: Pipeline,
        normalize: Statistics,
        seed: int,
    ) -> None:
        self.store = store
        self.texts = tuple(texts)
        self.alphabet = alphabet
        self.pipeline = pipeline
        self.normalize = normalize
        self.draws = Draws(seed)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose augmentations are drawn."""
        self.draws.set_epoch(epoch)

    def pixels(self, index: int) -> Tensor:
        """A line after the pipeline, before it is normalised: uint8 [3, H, W]."""
        return self.pipeline.image(self.store[index], self.draws.of(index))

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> Line:
        text = self.texts[index]
        return Line(
            image=self.normalize(self.pixels(index)),
            target=self.alphabet.target(text),
            truth=self.alphabet.ids(text),
            index=index,
            name=self.store.name(index),
        )


def collate(lines: Sequence[Line]) -> Lines:
    """A batch of lines of one height and of any widths."""
    widths = [line["image"].shape[2] for line in lines]
    image = lines[0]["image"].new_zeros(len(lines), *lines[0]["image"].shape[:2], max(widths))
    for row, line, width in zip(image, lines, widths, strict=True):
        row[:, :, :width] = line["image"]
    return Lines(
        image=image,
        width=widths,
        target=pad_sequence([line["target"] for line in lines], batch_first=True),
        length=[len(line["target"]) for line in lines],
        truth=pad_sequence([line["truth"] for line in lines], batch_first=True, padding_value=NOTHING),
        index=torch.tensor([line["index"] for line in lines]),
        name=[line["name"] for line in lines],
    )
