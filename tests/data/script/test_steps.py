"""Steps of augmentation as code: the same pixels as ours, from the same draws."""

import math
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as T

from piste.data.augment import AUGMENTATIONS, Pipeline, read_augmentation
from piste.data.augment.base import Augmentation, Canvas
from piste.data.script.steps import steps_as_code

SIZE = {"height": 20, "width": 12}
ENTRIES: list[Any] = [
    *("horizontal_flip", "vertical_flip", "rotate90", "rotate", {"shear": {"y": 5.0}}, "shift_scale_rotate"),
    *({"crop": SIZE}, {"random_sized_crop": SIZE}, {"centre_crop": SIZE}),
    *({"resize": SIZE}, {"resize": {"longest": 21}}, {"resize": {"smallest": 9}}),
    *("colour_jitter", {"colour_jitter": {"hue": 0.1, "contrast": 0.0}}, "equalize", "blur", "gaussian_noise", "grey"),
]


def carried_out(steps: list[Augmentation], canvas: Canvas, image: Tensor, mask: Tensor | None, seed: int) -> Any:
    """What the code makes of an image and a mask."""
    code = steps_as_code(steps, canvas, key="augment", masked=mask is not None)
    names = {"torch": torch, "math": math, "T": T, "InterpolationMode": InterpolationMode, "draw": Random(seed)}
    names |= {"image": image, "FILL": list(canvas.fill), "OUTSIDE": canvas.mask_fill}
    if mask is not None:
        names["mask"] = mask.unsqueeze(0)
    exec(code, names)
    return names["image"], None if mask is None else names["mask"][0]


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_a_step_as_code_makes_the_same_pixels(entry: Any, interpolation: str) -> None:
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(0, 256, (3, 13, 17), generator=generator, dtype=torch.uint8)
    mask = torch.randint(0, 3, (13, 17), generator=generator, dtype=torch.uint8)
    canvas = Canvas(interpolation, (10, 200, 90), 255)
    steps = [read_augmentation(entry), read_augmentation("horizontal_flip")]  # which shows how much was drawn
    for seed in range(6):
        ours = Pipeline(steps, canvas)(image, mask, Random(seed))
        code = carried_out(steps, canvas, image, mask, seed)
        assert all(torch.equal(a, b) for a, b in zip(ours, code, strict=True))
        alone, _ = carried_out(steps, canvas, image, None, seed)
        assert torch.equal(alone, ours[0])


def test_every_step_is_written_or_refused_by_name() -> None:
    written = {name_of(entry) for entry in ENTRIES}
    for name in AUGMENTATIONS.keys() - written:
        with pytest.raises(ValueError, match=rf"`data.augment`: a script can't do {name}; it can do horizontal_flip, "):
            steps_as_code([read_augmentation(name)], Canvas("bilinear", (0, 0, 0), 0), key="augment", masked=True)
    assert AUGMENTATIONS.keys() - written == {"mosaic", "copy_paste"}


def name_of(entry: Any) -> str:
    return entry if isinstance(entry, str) else next(iter(entry))
