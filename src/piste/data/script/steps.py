"""Steps of augmentation as calls of torchvision, with the same draws from the same generator."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from piste.data.augment import name_of
from piste.data.augment.base import Augmentation, Canvas
from piste.data.script.text import block, indented

Writer = Callable[[Any, Canvas, bool], str]
"""(step, canvas, whether there is a mask) -> code that changes `image` and `mask`, [1, H, W], drawing from `draw`."""


def steps_as_code(steps: Sequence[Augmentation], canvas: Canvas, *, key: str, masked: bool) -> str:
    """Code that does all of these steps.

    Args:
        steps: of a recipe.
        canvas: how pixels are made that were not there.
        key: where a recipe has them, for the message; what `augment` does hangs on chance.
        masked: whether there is a mask beside the image.

    Raises:
        ValueError: names a step that can't be written.
    """
    lines = []
    for step in steps:
        name = name_of(type(step))
        if name not in _WRITERS:
            known = ", ".join(_WRITERS)
            raise ValueError(f"`data.{key}`: a script can't do {name}; it can do {known}")
        code = _WRITERS[name](step, canvas, masked)
        if key == "augment":
            code = f"if draw.random() < {step.p}:  # {name}\n{indented(code)}"
        lines.append(code)
    return "\n".join(lines)


def _moved(masked: bool, image: str, mask: str | None = None) -> str:
    """The same change of image and mask."""
    lines = [f"image = {image}"]
    if masked:
        lines.append(f"mask = {image.replace('image', 'mask') if mask is None else mask}")
    return "\n".join(lines)


def _flip(which: str) -> Writer:
    return lambda step, canvas, masked: _moved(masked, f"T.{which}_flip(image)")


def _rotate90(step: Any, canvas: Canvas, masked: bool) -> str:
    return "turns = draw.randint(1, 3)\n" + _moved(masked, "torch.rot90(image, turns, (1, 2))")


def _mode(mode: Any) -> str:
    return f"InterpolationMode.{mode.name}"


def _rotate(step: Any, canvas: Canvas, masked: bool) -> str:
    image = f"T.rotate(image, angle, interpolation={_mode(canvas.warp_mode)}, fill=FILL)"
    angle = f"angle = draw.uniform(-{step.degrees}, {step.degrees})\n"
    return angle + _moved(masked, image, "T.rotate(mask, angle, fill=OUTSIDE)")


def _affine(canvas: Canvas, masked: bool) -> str:
    image = f"T.affine(image, *amounts, interpolation={_mode(canvas.warp_mode)}, fill=FILL)"
    return _moved(masked, image, "T.affine(mask, *amounts, fill=OUTSIDE)")


def _shear(step: Any, canvas: Canvas, masked: bool) -> str:
    code = f"""
        slant = [draw.uniform(-{step.x}, {step.x}), draw.uniform(-{step.y}, {step.y})]
        amounts = (0.0, [0.0, 0.0], 1.0, slant)
    """
    return block(code) + "\n" + _affine(canvas, masked)


def _shift_scale_rotate(step: Any, canvas: Canvas, masked: bool) -> str:
    code = f"""
        height, width = image.shape[1:]
        move = [draw.uniform(-{step.shift}, {step.shift}) * width, draw.uniform(-{step.shift}, {step.shift}) * height]
        zoom = 1.0 + draw.uniform(-{step.scale}, {step.scale})
        amounts = (draw.uniform(-{step.degrees}, {step.degrees}), move, zoom, [0.0, 0.0])
    """
    return block(code) + "\n" + _affine(canvas, masked)


def _padded(step: Any, masked: bool) -> str:
    code = f"""
        rows, columns = max({step.height} - image.shape[1], 0), max({step.width} - image.shape[2], 0)
        sides = [columns // 2, rows // 2, columns - columns // 2, rows - rows // 2]
    """
    return block(code) + "\n" + _moved(masked, "T.pad(image, sides, fill=FILL)", "T.pad(mask, sides, fill=OUTSIDE)")


def _crop(step: Any, canvas: Canvas, masked: bool) -> str:
    code = f"""
        top = draw.randint(0, image.shape[1] - {step.height})
        left = draw.randint(0, image.shape[2] - {step.width})
    """
    cut = _moved(masked, f"T.crop(image, top, left, {step.height}, {step.width})")
    return "\n".join((_padded(step, masked), block(code), cut))


def _centre_crop(step: Any, canvas: Canvas, masked: bool) -> str:
    place = f"top, left = (image.shape[1] - {step.height}) // 2, (image.shape[2] - {step.width}) // 2"
    cut = _moved(masked, f"T.crop(image, top, left, {step.height}, {step.width})")
    return "\n".join((_padded(step, masked), place, cut))


def _resized(size: str, canvas: Canvas, masked: bool) -> str:
    image = f"T.resize(image, {size}, interpolation={_mode(canvas.resize_mode)})"
    return _moved(masked, image, f"T.resize(mask, {size}, interpolation=InterpolationMode.NEAREST_EXACT)")


def window_drawn(step: Any) -> str:
    """What a crop of random size keeps of an image: `top`, `left`, `down` and `across`."""
    return block(f"""
        height, width = image.shape[1:]
        area = draw.uniform({step.scale[0]}, {step.scale[1]}) * height * width
        form = math.exp(draw.uniform(math.log({step.ratio[0]}), math.log({step.ratio[1]})))
        across = min(max(round(math.sqrt(area * form)), 1), width)
        down = min(max(round(math.sqrt(area / form)), 1), height)
        top, left = draw.randint(0, height - down), draw.randint(0, width - across)
    """)


def _random_sized_crop(step: Any, canvas: Canvas, masked: bool) -> str:
    cut = _moved(masked, "T.crop(image, top, left, down, across)")
    return "\n".join((window_drawn(step), cut, _resized(f"[{step.height}, {step.width}]", canvas, masked)))


def _resize(step: Any, canvas: Canvas, masked: bool) -> str:
    if step.height:
        return _resized(f"[{step.height}, {step.width}]", canvas, masked)
    scale = f"{step.longest} / max" if step.longest else f"{step.smallest} / min"
    code = f"""
        scale = {scale}(image.shape[1:])
        size = [max(round(side * scale), 1) for side in image.shape[1:]]
    """
    return block(code) + "\n" + _resized("size", canvas, masked)


def _colour_jitter(step: Any, canvas: Canvas, masked: bool) -> str:
    code = f"""
        changes = [
            (T.adjust_brightness, {step.brightness}, 1.0),
            (T.adjust_contrast, {step.contrast}, 1.0),
            (T.adjust_saturation, {step.saturation}, 1.0),
            (T.adjust_hue, {step.hue}, 0.0),
        ]
        draw.shuffle(changes)
        for change, reach, middle in changes:
            amount = draw.uniform(middle - reach, middle + reach)
            image = change(image, amount) if reach else image
    """
    return block(code)


def _equalize(step: Any, canvas: Canvas, masked: bool) -> str:
    return "image = T.equalize(image)"


def _blur(step: Any, canvas: Canvas, masked: bool) -> str:
    code = f"""
        sigma = draw.uniform({step.sigma[0]}, {step.sigma[1]})
        reach = min(math.ceil(3 * sigma), min(image.shape[1:]) - 1)
        image = T.gaussian_blur(image, [2 * reach + 1] * 2, [sigma] * 2)
    """
    return block(code)


def _gaussian_noise(step: Any, canvas: Canvas, masked: bool) -> str:
    code = f"""
        sigma = 255 * draw.uniform({step.sigma[0]}, {step.sigma[1]})
        noise = sigma * torch.randn(image.shape, generator=torch.Generator().manual_seed(draw.getrandbits(63)))
        image = (image + noise).round().clamp(0, 255).to(torch.uint8)
    """
    return block(code)


def _grey(step: Any, canvas: Canvas, masked: bool) -> str:
    return "image = T.rgb_to_grayscale(image, num_output_channels=3)"


_WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "horizontal_flip": _flip("horizontal"),
        "vertical_flip": _flip("vertical"),
        "rotate90": _rotate90,
        "rotate": _rotate,
        "shear": _shear,
        "shift_scale_rotate": _shift_scale_rotate,
        "crop": _crop,
        "random_sized_crop": _random_sized_crop,
        "centre_crop": _centre_crop,
        "resize": _resize,
        "colour_jitter": _colour_jitter,
        "equalize": _equalize,
        "blur": _blur,
        "gaussian_noise": _gaussian_noise,
        "grey": _grey,
    }
)
"""How each step is written, by the name that a recipe gives it."""
