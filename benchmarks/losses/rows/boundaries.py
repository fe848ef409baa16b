"""Boundary losses, and the distance maps that they read."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from monai.losses import HausdorffDTLoss, SoftclDiceLoss
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.image import image_gradients

from piste import losses

from ..row import Entrant, Inputs, Limits, Row, Setting
from .labels import BCE, CROSS_ENTROPY, floats, formula
from .settings import blobs, outlines


def rows(quick: bool) -> Iterator[Row]:
    """Maps first, then the losses."""
    yield from maps(quick)
    setting = outlines(quick)
    classes = 4
    of_labels = Entrant(CROSS_ENTROPY.name, CROSS_ENTROPY.call, lambda target: (target["labels"],))

    def one_hot(t: Tensor) -> tuple[Tensor]:
        return (F.one_hot(t, classes).movedim(-1, 1).float().contiguous(),)

    def difference(x: Tensor, y: Tensor) -> Tensor:
        height, width = x.shape[2:]
        pairs = zip(image_gradients(x.softmax(1)), image_gradients(y), strict=True)
        total = sum((found - true).abs().sum((2, 3)) for found, true in pairs)
        return (total / ((height - 1) * width + height * (width - 1))).mean()

    yield Row(
        losses.Boundary(),
        with_maps(setting, classes),
        of_labels,
        (formula(lambda x, target: (x.softmax(1) * target["distance"]).mean()),),
    )
    yield Row(
        losses.Hausdorff(),
        setting,
        CROSS_ENTROPY,
        (
            Entrant(
                "MONAI HausdorffDTLoss",
                HausdorffDTLoss(softmax=True, to_onehot_y=True, include_background=True),
                lambda t: (t.unsqueeze(1),),
                eager_only=True,
            ),
        ),
    )
    single = outlines(quick, activation="sigmoid")
    peer = Entrant("MONAI SoftclDiceLoss", SoftclDiceLoss(iter_=3, sigmoid=True, smooth=1e-12), floats)
    yield Row(losses.ClDice(activation="sigmoid"), single, BCE, (peer,))
    yield Row(losses.ClDice(), setting, CROSS_ENTROPY, (), main=False)
    yield Row(
        losses.GradientDifference(),
        setting,
        CROSS_ENTROPY,
        (Entrant("torchmetrics image_gradients", difference, one_hot),),
    )
    yield Row(losses.GradientConsistency(), with_image(setting), of_labels, (formula(consistency),))


def consistency(x: Tensor, target: dict[str, Tensor]) -> Tensor:
    """Levinshtein's formula with unit vectors, by convolutions with Sobel's filter."""
    down = torch.tensor([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]], device=x.device) / 8
    filters = torch.stack((down, down.T)).unsqueeze(1)

    def sobel(fields: Tensor) -> tuple[Tensor, Tensor]:
        flat = F.conv2d(fields.flatten(0, 1).unsqueeze(1), filters)
        y, x = flat.unflatten(0, fields.shape[:2]).unbind(2)
        return y, x

    (i_y, i_x), (m_y, m_x) = sobel(target["image"].mean(1, keepdim=True)), sobel(x.softmax(1))
    long = (m_y**2 + m_x**2 + 1e-6).sqrt()
    cosine = (i_y * m_y + i_x * m_x) / (i_y**2 + i_x**2 + 1e-6).sqrt() / long
    weight = long - 1e-6 / long
    cost = (weight - long * cosine**2).sum((2, 3))
    return (cost / (weight.sum((2, 3)) + 1e-6)).mean()


def with_maps(setting: Setting, classes: int) -> Setting:
    """Distance maps beside the labels, made outside the clock."""

    def draw(dice: torch.Generator) -> Inputs:
        drawn = setting.draw(dice)
        (labels,) = drawn.aim
        return Inputs(drawn.leaves, ({"labels": labels, "distance": losses.signed_distance(labels, classes=classes)},))

    return Setting(f"{setting.name}, distance maps", draw)


def with_image(setting: Setting) -> Setting:
    """An image beside the labels."""

    def draw(dice: torch.Generator) -> Inputs:
        drawn = setting.draw(dice)
        (labels,) = drawn.aim
        image = (blobs((len(labels), 3, *labels.shape[1:]), dice) / 3).sigmoid()
        return Inputs(drawn.leaves, ({"labels": labels, "image": image},))

    return Setting(f"{setting.name}, image", draw)


def maps(quick: bool) -> Iterator[Row]:
    """Signed distance maps of one mask and of several, against SciPy's two transforms a map."""
    for images in (1, 8):
        setting = outlines(quick, activation="sigmoid")

        def draw(dice: torch.Generator, setting: Setting = setting, images: int = images) -> Inputs:
            return Inputs((setting.draw(dice).aim[0][:images],), ())

        side = 64 if quick else 512
        yield Row(
            losses.signed_distance,
            Setting(f"{images} {'mask' if images == 1 else 'masks'} of {side} x {side}", draw),
            Entrant("torch x.float().square().mean()", lambda mask: mask.float().square().mean()),
            (Entrant("scipy distance_transform_edt, twice", scipy_maps, eager_only=True),),
            Limits(faster=("scipy", 3.0)),
        )


def scipy_maps(mask: Tensor) -> Tensor:
    """Distance to the other side, below 0 inside."""
    found: list[Any] = []
    for inside in mask.flatten(0, 1).cpu().numpy():
        if inside.all() or not inside.any():
            found.append(np.zeros(inside.shape))
        else:
            found.append(distance_transform_edt(~inside) - distance_transform_edt(inside))
    return torch.from_numpy(np.stack(found).astype("float32")).view(mask.shape).to(mask.device)
