"""Label losses: a score per class against a label."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from kornia.losses import binary_focal_loss_with_logits, focal_loss
from monai.losses import FocalLoss as MonaiFocal
from segmentation_models_pytorch import losses as smp
from tests.losses.witnesses import toolbelt
from timm import loss as timm
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from piste import losses

from ..row import Entrant, Limits, Row, Setting
from ..verdict import FORMULA
from .settings import labels, pixels, qualities, samples

CROSS_ENTROPY = Entrant("torch cross_entropy", F.cross_entropy)
BCE = Entrant("torch binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits, lambda y: (y.float(),))
AS_FEW = Limits(native=1.25, compiled=1.0, peak=2.5)
TWICE = Limits(native=2.0, compiled=1.0, peak=2.5)
TEMPERED = Limits(native=8.0, compiled=1.0, peak=2.5)


def rows(quick: bool) -> Iterator[Row]:
    """Exclusive classes on pixels and on samples, then independent labels."""
    yield from exclusive(pixels(quick), 19)
    yield from of_pixels(pixels(quick))
    yield from exclusive(samples(quick), 100, main=False)
    yield from of_samples(samples(quick))
    yield from independent(labels(quick))
    for setting in (pixels(quick, soft=True), samples(quick, soft=True)):
        yield Row(losses.CrossEntropy(), setting, CROSS_ENTROPY, (CROSS_ENTROPY,), AS_FEW, main=False)
    yield Row(losses.BinaryCrossEntropy(), labels(quick, soft=True), BCE, (BCE,), AS_FEW, main=False)


def floats(target: Tensor) -> tuple[Tensor]:
    """Labels as numbers, which most ask for."""
    return (target.float(),)


def formula(compute: Any) -> Entrant:
    """What one writes in torch where nobody has the loss."""
    return Entrant(FORMULA, compute)


def tempered(steps: int, classes: int) -> Entrant:
    """Pytorch-toolbelt's with its five steps of the fixed point, or with more."""
    return Entrant(
        f"pytorch-toolbelt bi_tempered_logistic_loss, {steps} steps",
        lambda x, y: toolbelt.bi_tempered_logistic_loss(x.movedim(1, -1), y, 0.8, 1.2, num_iters=steps),
        lambda t: (F.one_hot(t, classes).float(),),
        eager_only=True,  # its steps are unrolled, and take minutes to compile
    )


def exclusive(setting: Setting, classes: int, **flags: Any) -> Iterator[Row]:
    """What is the same on pixels and on samples."""

    def truth(x: Tensor, t: Tensor) -> Tensor:
        return x.softmax(1).gather(1, t.unsqueeze(1)).squeeze(1)

    def one_hot(t: Tensor) -> tuple[Tensor]:
        return (F.one_hot(t, classes).movedim(-1, 1).float().contiguous(),)

    def symmetric(x: Tensor, t: Tensor) -> Tensor:  # as the authors' code, with log 0 = -4
        back = 4 * (1 - truth(x, t))
        return 0.1 * F.cross_entropy(x, t) + back.mean()

    def hardest(x: Tensor, t: Tensor) -> Tensor:
        each = F.cross_entropy(x, t, reduction="none").flatten()
        return each.topk(each.numel() // 4).values.mean()

    def row(loss: losses.Loss, *peers: Entrant, limits: Limits = AS_FEW, **more: Any) -> Row:
        more = {**flags, **more}
        return Row(loss, setting, CROSS_ENTROPY, peers, limits, compiled=more.get("main", True), **more)

    smp_smooth = [Entrant("smp SoftCrossEntropyLoss", smp.SoftCrossEntropyLoss(smooth_factor=s)) for s in (0.0, 0.1)]
    torch_smooth = Entrant("torch cross_entropy, smoothed", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1))
    yield row(losses.CrossEntropy(), CROSS_ENTROPY, smp_smooth[0])
    yield row(losses.CrossEntropy(label_smoothing=0.1), torch_smooth, smp_smooth[1], main=False)
    monai = MonaiFocal(gamma=2.0, use_softmax=True, to_onehot_y=True)
    yield row(
        losses.Focal(),
        Entrant("MONAI FocalLoss", monai, lambda t: (t.unsqueeze(1),), factor=classes),
        Entrant("kornia focal_loss", lambda x, t: focal_loss(x, t, None, 2.0, "mean"), factor=classes),
        Entrant("smp FocalLoss", smp.FocalLoss("multiclass"), differs="a sigmoid for each class"),
        Entrant(
            "pytorch-toolbelt CrossEntropyFocalLoss",
            toolbelt.CrossEntropyFocalLoss(),
            differs="a binary cross-entropy of each class inside",
        ),
    )
    exact = 8 if classes < 20 else 12  # by then their probabilities sum to 1 within 1e-5
    yield row(losses.BiTempered(), *(tempered(steps, classes) for steps in (5, exact)), limits=TEMPERED)
    yield row(
        losses.Quadratic(),
        Entrant("torch softmax and mse_loss", lambda x, y: F.mse_loss(x.softmax(1), y), one_hot, factor=classes),
    )
    yield row(losses.GeneralizedCrossEntropy(), formula(lambda x, t: ((1 - truth(x, t) ** 0.7) / 0.7).mean()))
    yield row(losses.SymmetricCrossEntropy(), formula(symmetric))
    yield row(losses.HardMining(), Entrant("torch cross_entropy and topk", hardest))


def of_pixels(setting: Setting) -> Iterator[Row]:
    """The others on pixels."""
    epsilon = losses.Poly().epsilon

    def poly(x: Tensor, t: Tensor) -> Tensor:
        return F.cross_entropy(x, t) + epsilon * (1 - x.softmax(1).gather(1, t.unsqueeze(1))).mean()

    yield Row(losses.Poly(), setting, CROSS_ENTROPY, (formula(poly),), AS_FEW, compiled=True)


def of_samples(setting: Setting) -> Iterator[Row]:
    """The others on samples."""
    epsilon = losses.Poly().epsilon
    peers = (Entrant("timm PolyCrossEntropy", timm.PolyCrossEntropy(epsilon=epsilon)),)
    yield Row(losses.Poly(), setting, CROSS_ENTROPY, peers, AS_FEW, main=False)


def independent(setting: Setting) -> Iterator[Row]:
    """A sigmoid for each label."""

    def row(loss: losses.Loss, *peers: Entrant, limits: Limits = AS_FEW, **more: Any) -> Row:
        on = more.pop("on", setting)
        return Row(loss, on, BCE, peers, limits, compiled=more.get("main", True), **more)

    def quality(x: Tensor, q: Tensor) -> Tensor:
        weight = torch.where(q > 0, q, 0.75 * x.sigmoid() ** 2)
        return (weight * F.binary_cross_entropy_with_logits(x, q, reduction="none")).mean()

    of_two = replace(
        tempered(5, 2),
        call=lambda x, y: tempered(5, 2).call(torch.cat((0 * x, x), 1), y),
        convert=lambda y: (torch.cat((~y, y), 1).movedim(1, -1).float(),),
    )

    def hardest(x: Tensor, y: Tensor) -> Tensor:
        each = F.binary_cross_entropy_with_logits(x, y, reduction="none").flatten()
        return each.topk(each.numel() // 4).values.mean()

    def poly(x: Tensor, y: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(x, y) + epsilon * (y - x.sigmoid()).abs().mean()

    softly = Entrant("smp SoftBCEWithLogitsLoss", smp.SoftBCEWithLogitsLoss(ignore_index=None), floats)
    yield row(losses.CrossEntropy(activation="sigmoid"), BCE, softly, main=False)
    yield row(losses.BinaryCrossEntropy(), BCE, softly)
    yield row(
        losses.Focal(activation="sigmoid"),
        Entrant(
            "torchvision sigmoid_focal_loss", lambda x, y: sigmoid_focal_loss(x, y, -1, 2.0, reduction="mean"), floats
        ),
        Entrant(
            "kornia binary_focal_loss_with_logits",
            lambda x, y: binary_focal_loss_with_logits(x, y, None, 2.0, reduction="mean"),
            floats,
        ),
        Entrant("smp FocalLoss", smp.FocalLoss("multilabel", gamma=2.0), floats),
        Entrant("pytorch-toolbelt BinaryFocalLoss", toolbelt.BinaryFocalLoss(alpha=None, gamma=2.0), floats),
        Entrant("MONAI FocalLoss", MonaiFocal(gamma=2.0), floats),
    )
    yield row(
        losses.Focal(activation="sigmoid", gamma=1.5, alpha=0.25),
        Entrant(
            "torchvision sigmoid_focal_loss", lambda x, y: sigmoid_focal_loss(x, y, 0.25, 1.5, reduction="mean"), floats
        ),
        main=False,
    )
    yield row(losses.BiTempered(activation="sigmoid"), of_two, limits=TEMPERED)
    yield row(
        losses.Quadratic(activation="sigmoid"),
        Entrant("torch sigmoid and mse_loss", lambda x, y: F.mse_loss(x.sigmoid(), y), floats, factor=2.0),
    )
    epsilon = losses.Poly().epsilon
    yield row(
        losses.Poly(activation="sigmoid"),
        Entrant("timm PolyBinaryCrossEntropy", timm.PolyBinaryCrossEntropy(epsilon=epsilon), floats),
        Entrant(FORMULA, poly, floats),
    )
    keywords = {"gamma_pos": 0.0, "gamma_neg": 4.0, "clip": 0.05}
    yield row(
        losses.Asymmetric(),
        Entrant("timm AsymmetricLossMultiLabel", timm.AsymmetricLossMultiLabel(**keywords, reduction="mean"), floats),
        limits=TWICE,
    )
    yield row(losses.QualityFocal(), Entrant("pytorch-toolbelt QualityFocalLoss", toolbelt.QualityFocalLoss(), floats))
    grades = qualities(setting.name.startswith("sigmoid [8, 1, 64"))
    yield row(losses.Varifocal(), formula(quality), limits=TWICE, on=grades)
    yield row(losses.HardMining(loss=losses.BinaryCrossEntropy()), Entrant("torch, topk", hardest, floats), main=False)
