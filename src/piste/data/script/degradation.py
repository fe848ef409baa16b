"""What is done to clean images, as plain Python, with the same draws from the same generator."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from piste.data.restoration.degrade import Blur, Degradation, Downscale, Jpeg, Noise
from piste.data.script.text import block, indented, literal

JPEG = '''
    def jpeg(image: Tensor, quality: int) -> Tensor:
        """What a JPEG file keeps of an image."""
        file = io.BytesIO()
        Image.fromarray(as_bytes(image).permute(1, 2, 0).contiguous().numpy()).save(file, "JPEG", quality=quality)
        with Image.open(file) as kept:
            return torch.from_numpy(np.array(kept)).permute(2, 0, 1).float() / 255
'''

AS_BYTES = '''
    def as_bytes(image: Tensor) -> Tensor:
        """Values of 0 … 1 as bytes, clipped and rounded."""
        return (image * 255).round().clamp(0, 255).to(torch.uint8)
'''


class Degrading(NamedTuple):
    """Code that makes inputs of targets.

    Args:
        code: functions; the last is `degraded`.
        drawn: whether it takes `draw`, where its randomness comes from.
    """

    code: list[str]
    drawn: bool


def degradation_as_code(steps: Sequence[Degradation], least: int) -> Degrading:
    """`degraded(image)` or `degraded(image, draw)`: the input of a target, both bytes.

    Args:
        steps: of a recipe, at least one.
        least: the smallest height or width of a target.
    """
    last = max((i for i, step in enumerate(steps) if _is_random(step)), default=-1)
    lines, scale = [], 1
    for i, step in enumerate(steps):
        lines.append(_WRITERS[type(step)](step, i <= last, least // scale))
        scale *= step.factor if isinstance(step, Downscale) else 1
    smaller = f", 1 / {scale} of its height and width" if scale > 1 else ""
    head = f"def degraded(image: Tensor{', draw: Random' if last >= 0 else ''}) -> Tensor:"
    body = [
        head,
        f'    """What is left of an image, as bytes{smaller}."""',
        "    image = image.float() / 255",
        indented(line for line in lines if line),
        "    return as_bytes(image)",
    ]
    needed = [block(JPEG)] if any(isinstance(step, Jpeg) for step in steps) else []
    return Degrading([block(AS_BYTES), *needed, "\n".join(body)], last >= 0)


def _is_random(step: Any) -> bool:
    """Whether a step comes out differently each time."""
    if isinstance(step, Blur | Jpeg):
        ends: tuple[float, float] = step.sigma if isinstance(step, Blur) else step.quality
        return ends[0] != ends[1]
    return isinstance(step, Noise)


def _downscale(step: Any, drawn: bool, least: int) -> str:
    if step.kernel == "area":
        return f"image = F.avg_pool2d(image, {step.factor})"
    return block(f"""
        size = [side // {step.factor} for side in image.shape[1:]]
        image = F.interpolate(image[None], size=size, mode="bicubic", antialias=True)[0].clamp(0, 1)
    """)


def _blur(step: Any, drawn: bool, least: int) -> str:
    low, high = step.sigma
    if not drawn:
        reach = min(math.ceil(3 * low), least - 1)
        if reach < math.ceil(3 * low):
            return f"sigma = {low}\n{_blurred(least, low, high)}"
        return f"image = T.gaussian_blur(image, {[2 * reach + 1] * 2}, {[low] * 2})" if reach else ""
    return f"sigma = draw.uniform({low}, {high})\n{_blurred(least, low, high)}"


def _blurred(least: int, low: float, high: float) -> str:
    """A blur that reaches three sigmas, or as far as a small image lets it."""
    three = "math.ceil(3 * sigma)"
    reach = f"reach = {three}" if math.ceil(3 * high) < least else f"reach = min({three}, min(image.shape[1:]) - 1)"
    call = "image = T.gaussian_blur(image, [2 * reach + 1] * 2, [sigma] * 2)"
    return f"{reach}\n{call}" if low > 0 and least > 1 else f"{reach}\nif reach:\n    {call}"


def _noise(step: Any, drawn: bool, least: int) -> str:
    return block(f"""
        sigma = draw.uniform({step.sigma[0]}, {step.sigma[1]})
        generator = torch.Generator().manual_seed(draw.getrandbits(63))
        image = image + sigma * torch.randn(image.shape, generator=generator)
    """)


def _jpeg(step: Any, drawn: bool, least: int) -> str:
    low, high = step.quality
    return f"image = jpeg(image, {f'draw.randint({low}, {high})' if drawn else literal(low)})"


_WRITERS: Mapping[type[Degradation], Callable[[Any, bool, int], str]] = MappingProxyType(
    {Downscale: _downscale, Blur: _blur, Noise: _noise, Jpeg: _jpeg}
)
"""How each is written: (step, whether its numbers are drawn, the least side of what comes to it) -> code."""
