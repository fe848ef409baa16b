"""What a pair of networks is shown: real samples, each with the noise that the generator makes one of its own from."""

from typing import Protocol, TypedDict, final

import torch
from torch import Tensor
from torch.utils.data import Dataset

from piste.data.draws import Draws
from piste.data.picture_dataset import PictureDataset


class Reals(Protocol):
    """Real samples of a split."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose augmentations are drawn."""
        ...

    def __len__(self) -> int: ...

    def real(self, index: int) -> Tensor:
        """A sample as the model is to make it."""
        ...

    def name(self, index: int) -> str:
        """What a sample is called."""
        ...


@final
class RealImages:
    """The images of a split.

    Args:
        pictures: as classification shows them.
    """

    def __init__(self, pictures: PictureDataset) -> None:
        self.pictures = pictures

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose augmentations are drawn."""
        self.pictures.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.pictures)

    def real(self, index: int) -> Tensor:
        """An image, float32 [C, H, W], from -1 to 1."""
        return self.pictures[index]["image"]

    def name(self, index: int) -> str:
        """Its path."""
        return self.pictures.store.name(index)


class GenerationItem(TypedDict):
    """A real sample, the latent numbers float32 [L] of a generated one, the real one's place, and its name."""

    real: Tensor
    latent: Tensor
    index: int
    name: str


@final
class GenerationDataset(Dataset[GenerationItem]):
    """Real samples with noise beside them.

    Noise depends on (seed, epoch, index) alone, and for evaluation on (seed, index): every epoch of a run, and every
    run of a seed, is judged by what it makes of the same noise.

    Args:
        reals: real samples.
        latent: how many numbers a generated one is made of.
        seed: what noise follows from.
        train: whether each epoch has noise of its own.
    """

    def __init__(self, reals: Reals, latent: int, seed: int, *, train: bool) -> None:
        self.reals = reals
        self.latent = latent
        self.draws = Draws(seed)
        self.train = train

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose noise and augmentations are drawn."""
        self.draws.set_epoch(epoch)
        self.reals.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.reals)

    def __getitem__(self, index: int) -> GenerationItem:
        epoch = self.draws.epoch if self.train else -1
        return GenerationItem(
            real=self.reals.real(index),
            latent=noise((self.draws.seed, epoch, index), self.latent),
            index=index,
            name=self.reals.name(index),
        )


def noise(key: tuple[int, ...], *shape: int) -> Tensor:
    """Standard normal numbers that follow from a few whole numbers alone."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(hash(key) % 2**63))
