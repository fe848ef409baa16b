"""Losses of shape beside independent implementations.

Where one of these disagrees with the paper, `test_..._is_wrong_about_...` holds ours to arithmetic and notices when
the other is mended.
"""

import numpy as np
import pytest
import torch
from monai.losses import HausdorffDTLoss, SoftclDiceLoss, SoftDiceclDiceLoss
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.ndimage import sobel as scipy_sobel
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.image import image_gradients

from piste.losses import (
    Boundary,
    ClDice,
    Dice,
    GradientConsistency,
    GradientDifference,
    Hausdorff,
    signed_distance,
)

from .conftest import example

LOGITS = 2 * example(2, 3, 13, 11)
INDEX = F.avg_pool2d(example(2, 3, 13, 11, seed=6), 3, 1, 1).argmax(1)
LABELS = F.one_hot(INDEX, 3).movedim(-1, 1).double()


def _agree(witness, name: str, peer: str, ours, theirs, *, logits: Tensor = LOGITS, rtol: float = 1e-6) -> None:
    """Values and gradients are the same."""
    leaves = [logits.clone().requires_grad_() for _ in range(2)]
    values = ours(leaves[0]), theirs(leaves[1])
    slopes = [torch.autograd.grad(value, leaf)[0] for value, leaf in zip(values, leaves, strict=True)]
    witness(name, peer, *values, rtol=rtol)
    witness(name, peer, *slopes, rtol=rtol)


def _signed(inside: NDArray[np.bool_], spacing: list[float]) -> NDArray[np.float64]:
    """Distance of each pixel to the other side, by SciPy."""
    if inside.all() or not inside.any():
        return np.zeros(inside.shape)
    to_inside, to_outside = (distance_transform_edt(sites, sampling=spacing) for sites in (~inside, inside))
    return to_inside - to_outside


@pytest.mark.parametrize("spacing", [[1.0, 1.0], [0.7, 2.5]])
def test_boundary_is_the_mean_of_scipy_s_distances_times_probabilities(witness, spacing) -> None:
    by_scipy = np.stack([[_signed(each == 1, spacing) for each in image] for image in LABELS.numpy()])
    maps = {"distance": signed_distance(INDEX, classes=3, spacing=spacing)}
    _agree(
        witness,
        "boundary",
        "scipy distance_transform_edt",
        lambda x: Boundary(classes=[1, 2])(x, maps),
        lambda x: (torch.from_numpy(by_scipy) * x.softmax(1))[:, 1:].mean(),
    )


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_hausdorff_is_monai_s(witness, alpha) -> None:
    peer = HausdorffDTLoss(alpha=alpha, softmax=True, to_onehot_y=True, include_background=True)
    _agree(
        witness,
        "hausdorff",
        "monai HausdorffDTLoss",
        lambda x: Hausdorff(alpha=alpha)(x, INDEX),
        lambda x: peer(x, INDEX.unsqueeze(1)),
    )
    volumes, labels = 2 * example(1, 1, 5, 7, 6), (example(1, 1, 5, 7, 6, seed=6) > 0.5).double()
    _agree(
        witness,
        "hausdorff",
        "monai HausdorffDTLoss",
        lambda x: Hausdorff(alpha=alpha, activation="sigmoid")(x, labels),
        lambda x: HausdorffDTLoss(alpha=alpha, sigmoid=True, include_background=True)(x, labels),
        logits=volumes,
    )


def test_hausdorff_of_squared_distances_is_scipy_s(witness) -> None:
    def theirs(x: Tensor) -> Tensor:
        probs = x.softmax(1)
        found = probs.detach().numpy() > 0.5
        far = np.stack(
            [
                [_signed(found[i, c], [1, 1]) ** 2 + _signed(LABELS[i, c].numpy() == 1, [1, 1]) ** 2 for c in range(3)]
                for i in range(2)
            ]
        )
        return ((probs - LABELS) ** 2 * torch.from_numpy(far)).mean()

    _agree(witness, "hausdorff", "scipy distance_transform_edt", lambda x: Hausdorff()(x, INDEX), theirs)


@pytest.mark.parametrize("shape", [(2, 1, 13, 11), (1, 1, 6, 7, 8)])
@pytest.mark.parametrize("iterations", [1, 3])
def test_centre_line_dice_is_monai_s(witness, shape, iterations) -> None:
    """MONAI adds a number to the last denominator, which is next to none here."""
    logits, labels = 2 * example(*shape), (example(*shape, seed=6) > 0.5).double()
    peer = SoftclDiceLoss(iter_=iterations, sigmoid=True, smooth=1e-12)
    both = SoftDiceclDiceLoss(iter_=iterations, sigmoid=True, smooth=1e-12, alpha=0.3)

    def ours(x: Tensor) -> Tensor:
        return ClDice(activation="sigmoid", iterations=iterations)(x, labels)

    def with_dice(x: Tensor) -> Tensor:
        dice = Dice(activation="sigmoid", smooth=1.0, per_image=True)
        return 0.7 * dice(x, labels) + 0.3 * ours(x)

    _agree(witness, "cl_dice", "monai SoftclDiceLoss", ours, lambda x: peer(x, labels), logits=logits)
    _agree(witness, "cl_dice", "monai SoftDiceclDiceLoss", with_dice, lambda x: both(x, labels), logits=logits)


def test_gradient_difference_is_that_of_torchmetrics_gradients(witness) -> None:
    """Their last row and column are 0, since nothing comes after."""

    def theirs(x: Tensor) -> Tensor:
        pairs = zip(image_gradients(x.softmax(1)), image_gradients(LABELS), strict=True)
        total = sum((found - true).abs().sum((2, 3)) for found, true in pairs)
        return (total / (12 * 11 + 13 * 10)).mean()

    peer = "torchmetrics image_gradients"
    _agree(witness, "gradient_difference", peer, lambda x: GradientDifference()(x, INDEX), theirs)


def test_gradient_consistency_is_that_of_scipy_s_sobel_filter(witness) -> None:
    """By unit vectors, as the paper has it; the outermost pixels are left out."""
    image = example(2, 3, 13, 11, seed=7).sigmoid()
    grey, probs = image.mean(1).numpy(), LOGITS.softmax(1).numpy()
    costs = np.zeros((2, 3))
    for i, c in np.ndindex(2, 3):
        (i_y, i_x), (m_y, m_x) = (
            [(scipy_sobel(field, axis) / 8)[1:-1, 1:-1] for axis in (0, 1)] for field in (grey[i], probs[i, c])
        )
        long = np.hypot(m_y, m_x)
        cosine = (i_y * m_y + i_x * m_x) / np.hypot(i_y, i_x) / long
        costs[i, c] = (long * (1 - cosine**2)).sum() / long.sum()
    got = GradientConsistency(reduction="none", epsilon=1e-12)(LOGITS, {"image": image})
    witness("gradient_consistency", "scipy sobel", got, torch.from_numpy(costs))


def test_monai_is_wrong_about_centre_lines_of_many_classes() -> None:
    """It adds up the skeletons of all classes first, so that the largest drowns the others: class 1 is not found."""
    labels = torch.zeros(1, 2, 9, 40)
    labels[0, 0, 4], labels[0, 1, 7, :3] = 1, 1
    found = labels.clone()
    found[0, 1] = 0
    loss = ClDice(activation="sigmoid", smooth=0.01)
    assert loss(200 * found - 100, labels).item() > 0.45
    theirs = SoftclDiceLoss(sigmoid=True, smooth_nr=0.01, smooth_dr=0.01)
    assert theirs(200 * found - 100, labels).item() < 0.05
