"""What a task whose losses are adversarial trains against its model."""

from dataclasses import dataclass

from torch import nn

from piste.models.discriminator import DiscriminatorSection


@dataclass(frozen=True)
class Discriminator:
    """A network that is trained to tell what the model makes from what is real.

    Args:
        module: from predictions or targets [N, ...] to raw scores of any shape, high for what it takes to be real.
        section: how it is trained.
    """

    module: nn.Module
    section: DiscriminatorSection
