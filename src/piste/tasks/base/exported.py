"""A trained model as others run it: images in, answers out, with all that training did around it inside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from torch import Tensor, nn

from piste.data.section import Statistics


@dataclass(frozen=True)
class Exported:
    """What is written for others to run.

    Args:
        module: from one tensor to another or to several, in eval mode, on the CPU.
        example: what it takes, with a batch of two.
        takes: what it takes, in words.
        gives: what it gives, in words.
        input: name of what it takes, such as image.
        output: name of what it gives, such as probabilities, or of each of several.
        free: axes of what it takes that may have other lengths than the example's, with what these are multiples of.
        facts: what a user of it must know besides, in plain types, such as the names of the classes.
    """

    module: nn.Module
    example: Tensor
    takes: str
    gives: str
    input: str
    output: str | tuple[str, ...]
    free: Mapping[int, int]
    facts: Mapping[str, Any] = field(default_factory=dict)


@final
class Deployed(nn.Module):
    """A network between what is done to its images and what is made of its output.

    Called with RGB images, float32 [N, 3, H, W], 0 … 1.

    Args:
        model: the network.
        normalize: mean and deviation that its images are normalised with; None where it takes them as they are.
        finish: makes the answer of its output.
        channels: of the images that the network takes; 1 for grey ones.
    """

    mean: Tensor
    std: Tensor
    grey: Tensor | None

    def __init__(
        self, model: nn.Module, normalize: Statistics | None, finish: Callable[[Tensor], Tensor], channels: int = 3
    ) -> None:
        super().__init__()
        self.model = model
        self.finish = finish
        plain = Statistics(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
        mean, std, grey = (plain if normalize is None else normalize).of_channels(channels)
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.register_buffer("grey", grey)
        self.eval()

    def forward(self, image: Tensor) -> Tensor:
        """The answer; see the class."""
        if self.grey is not None:
            image = (image * self.grey).sum(1, keepdim=True)
        return self.finish(self.model((image - self.mean) / self.std).float())
