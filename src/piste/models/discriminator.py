"""What the `discriminator:` sections of all tasks share: how the discriminator is trained against the model."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]


class DiscriminatorSection(BaseModel):
    """How a discriminator is trained against the model, with the model's optimizer, schedule and precision.

    `steps` is how many steps it takes, each on a batch of its own, for one of the model (n_critic; Wasserstein's paper
    takes 5). `lr` is its base rate; null takes the optimizer's. After each step its weights are cut to ±`weight_clip`,
    as in Wasserstein's paper (0.01); null leaves them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    steps: Annotated[int, Field(ge=1)] = 1
    lr: Positive | None = None
    weight_clip: Positive | None = None
