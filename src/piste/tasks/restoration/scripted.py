"""What restoration brings to a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piste.data.script.pairs import pairs_as_code
from piste.data.script.text import assigned, block
from piste.losses import GradientPenalty
from piste.losses.features.similarity import dissimilarity, gaussian
from piste.losses.features.ssim import SSIM
from piste.metrics.restoration import psnr
from piste.models.restoration.script import critic_as_code, restoration_model_as_code
from piste.tasks.base.scripted import Scripted

if TYPE_CHECKING:
    from piste.tasks.restoration.task import RestorationTask


def scripted(task: RestorationTask) -> Scripted:
    """Pairs of images, a small network, and how near what it makes comes to the targets.

    Raises:
        ValueError: names what can't be written.
    """
    constants, code, lists = pairs_as_code(task.data)
    sizes = [pair.size for pair in task.data.splits["val"]]
    mixed = len(set(sizes)) > 1
    if mixed and any(isinstance(loss, GradientPenalty) for loss in task.objective().modules()):
        raise ValueError(
            "`loss`: a script draws the shares of gradient_penalty otherwise where images for validation differ in size"
        )
    windows = min(side for size in sizes for side in size) >= SSIM().window
    quality = ["psnr", "ssim", "mae"] if windows else ["psnr", "mae"]
    metrics = [*quality, "gain", "improved", *(f"input_{name}" for name in quality)]
    return Scripted(
        constants=[*constants, assigned("METRICS", metrics, "means over images")],
        code=[
            *code,
            *restoration_model_as_code(task.model_recipe, task.data.scale),
            *([critic_as_code(task.discriminator_recipe)] if task.adversarial else []),
            block(_FORWARD),
            _quality(quality),
            _count(task.data.scale),
            block(_SCORES),
        ],
        lists=lists,
        given=("prediction", "target"),
        counted="target.numel()",
        axes=2,
        metrics=tuple(metrics),
        judged=("prediction", "target", "images"),
        calls={"psnr": psnr} | ({"gaussian": gaussian, "dissimilarity": dissimilarity} if windows else {}),
        one_by_one=mixed,
        left=("lpips",) if task.lpips is not None else (),
    )


_FORWARD = '''
    def forward(model: nn.Module, images: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """What the network makes of images, and what they should be."""
        return model(images.to(DEVICE)), target.to(DEVICE)
'''

_SCORES = '''
    def scores(counts: Tensor) -> dict[str, float]:
        """Means over images."""
        number, *sums = counts.tolist()
        return {name: total / number for name, total in zip(METRICS, sums, strict=True)}
'''


def _quality(names: list[str]) -> str:
    """`quality(images, target)`: scores of each image."""
    window = SSIM()
    weights = f"gaussian({window.window}, {window.sigma})"
    ssim = f"1 - dissimilarity(images, target, {weights}, {window.k1}**2, {window.k2}**2).mean(1)"
    formulas = {"psnr": "psnr(images, target)", "ssim": ssim, "mae": "(images - target).abs().flatten(1).mean(1)"}
    rows = "".join(f"\n                {formulas[name]}," for name in names)
    return block(f'''
        def quality(images: Tensor, target: Tensor) -> list[Tensor]:
            """Of each image {", ".join(names[:-1])} and {names[-1]}, where values beyond 0 … 1 are clipped."""
            images = images.clamp(0, 1)
            return [{rows}
            ]
    ''')


def _count(scale: int) -> str:
    given = "images.to(DEVICE)" if scale == 1 else "upscaled(images.to(DEVICE))"
    return block(f'''
        def count(prediction: Tensor, target: Tensor, images: Tensor) -> Tensor:
            """How many images there are, and the sums of their metrics."""
            after, before = quality(prediction, target), quality({given}, target)
            gain = after[0] - before[0]
            return torch.stack([torch.ones_like(gain), *after, gain, gain > 0, *before]).double().sum(1)
    ''')
