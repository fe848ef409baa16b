"""What generation brings to a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piste.data.generation.images import GenerationImages
from piste.data.script.generation import images_as_code, points_as_code
from piste.data.script.text import assigned, block
from piste.metrics.generation.modes import DEVIATIONS, FEWEST
from piste.models.generation.script import pair_as_code
from piste.tasks.base.scripted import Scripted

if TYPE_CHECKING:
    from piste.tasks.generation.task import GenerationTask


def scripted(task: GenerationTask) -> Scripted:
    """Real samples, a pair of networks, and of points the modes that they reach.

    Raises:
        ValueError: names what can't be written.
    """
    images = isinstance(task.data, GenerationImages)
    reals = images_as_code(task.data) if isinstance(task.data, GenerationImages) else points_as_code(task.data)
    constants = [*reals.constants, assigned("LATENT", task.model_recipe.latent, "numbers that a sample is made of")]
    return Scripted(
        constants=[*constants, f"REACH = {DEVIATIONS:g} * DEVIATION  # of a mode"],
        code=[
            *reals.code,
            *pair_as_code(task.model_recipe, task.discriminator_recipe, task.shape),
            block(_FORWARD),
            *([] if images else [block(_COUNT), block(_SCORES)]),
        ],
        lists=reals.lists,
        given=("made", "real"),
        counted="len(made)",
        metrics=() if images else ("modes_covered", "high_quality"),
        axes=len(task.shape) - 1,
        batch=("noises", "real"),
        judged=("made",),
        left=("Fréchet distance", "sample precision and recall"),
    )


_FORWARD = '''
    def forward(model: nn.Module, noises: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """What the model makes of noise, beside real samples."""
        return model(noises.to(DEVICE)), real.to(DEVICE)
'''

_COUNT = '''
    def count(made: Tensor) -> Tensor:
        """How many points lie within reach of each mode, and how many there are."""
        distance, mode = torch.cdist(made.cpu(), centres()).min(1)
        return torch.cat([mode[distance <= REACH].bincount(minlength=MODES), torch.tensor([len(made)])])
'''

_SCORES = f'''
    def scores(counts: Tensor) -> dict[str, float]:
        """The share of modes that have a fifth of their share of points, and the share of points in a mode."""
        in_mode, number = counts[:-1], int(counts[-1])
        covered = in_mode >= max(1.0, {FEWEST} * number / MODES)
        return {{"modes_covered": covered.float().mean().item(), "high_quality": in_mode.sum().item() / number}}
'''
