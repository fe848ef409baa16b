"""Region losses: overlap of two areas."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from kornia.losses import dice_loss, lovasz_hinge_loss, lovasz_softmax_loss, tversky_loss
from monai.losses import DiceLoss as MonaiDice
from monai.losses import GeneralizedDiceLoss as MonaiGeneralizedDice
from monai.losses import TverskyLoss as MonaiTversky
from segmentation_models_pytorch import losses as smp
from tests.losses.witnesses import toolbelt
from torch import Tensor
from torch.nn import functional as F

from piste import losses

from ..row import Entrant, Limits, Row
from .labels import BCE, CROSS_ENTROPY, floats
from .settings import labels, pixels

AS_FEW = Limits(native=1.0, compiled=1.0, peak=2.5)
SORTED = Limits(native=6.0, compiled=1.0, peak=2.5)
ROUNDED: dict[str, Any] = {"slope": 0.1, "eager_only": True}
"""They subtract neighbouring Jaccard scores in float32, which leaves few digits where there are many pixels."""
NEXT_TO_NONE = {"smooth_nr": 0.0, "smooth_dr": 0.0}


def rows(quick: bool) -> Iterator[Row]:
    """Exclusive classes, then independent labels."""
    yield from exclusive(quick)
    yield from independent(quick)


def _wide(target: Tensor) -> tuple[Tensor]:
    """[N, 1, *S], as MONAI likes class ids."""
    return (target.unsqueeze(1),)


def exclusive(quick: bool) -> Iterator[Row]:
    """A softmax over classes."""
    monai: dict[str, Any] = {"softmax": True, "to_onehot_y": True, **NEXT_TO_NONE}

    def row(loss: losses.Loss, *peers: Entrant, limits: Limits = AS_FEW, **more: Any) -> Row:
        return Row(loss, pixels(quick), CROSS_ENTROPY, peers, limits, compiled=more.get("main", True), **more)

    yield row(
        losses.Dice(),
        Entrant("smp DiceLoss", smp.DiceLoss("multiclass")),
        Entrant("MONAI DiceLoss", MonaiDice(batch=True, **monai), _wide),
        Entrant("pytorch-toolbelt DiceLoss", toolbelt.DiceLoss("multiclass")),
    )
    yield row(
        losses.Dice(per_image=True),
        Entrant("MONAI DiceLoss", MonaiDice(**monai), _wide),
        Entrant("kornia dice_loss", lambda x, t: dice_loss(x, t, average="macro")),
        main=False,
    )
    yield row(
        losses.GeneralizedDice(), Entrant("MONAI GeneralizedDiceLoss", MonaiGeneralizedDice(batch=True, **monai), _wide)
    )
    yield row(
        losses.Jaccard(),
        Entrant("smp JaccardLoss", smp.JaccardLoss("multiclass")),
        Entrant("MONAI DiceLoss", MonaiDice(batch=True, jaccard=True, **monai), _wide),
        Entrant("pytorch-toolbelt JaccardLoss", toolbelt.JaccardLoss("multiclass")),
    )
    prices = {"alpha": 0.3, "beta": 0.7}
    yield row(
        losses.Tversky(**prices),
        Entrant("smp TverskyLoss", smp.TverskyLoss("multiclass", **prices)),
        Entrant("MONAI TverskyLoss", MonaiTversky(batch=True, **prices, **monai), _wide),
    )
    yield row(
        losses.Tversky(per_image=True, **prices),
        Entrant("kornia tversky_loss", lambda x, t: tversky_loss(x, t, **prices)),
        main=False,
    )
    yield row(
        losses.FocalTversky(),
        Entrant(
            "smp TverskyLoss",
            smp.TverskyLoss("multiclass", **prices, gamma=3 / 4),
            differs="the mean of the classes is bent, not each class",
        ),
    )
    jaccard = smp.JaccardLoss("multiclass")
    both = Entrant("torch cross_entropy and smp JaccardLoss", lambda x, t: (F.cross_entropy(x, t) + jaccard(x, t)) / 2)
    yield row(losses.CrossEntropyIoU(), both)
    theirs = toolbelt.LovaszLoss()
    yield row(
        losses.Lovasz(),
        Entrant("smp LovaszLoss", smp.LovaszLoss("multiclass"), **ROUNDED),
        Entrant("pytorch-toolbelt LovaszLoss", lambda x, t: theirs(x.softmax(1), t), **ROUNDED),
        limits=SORTED,
    )
    yield row(
        losses.Lovasz(per_image=True, absent="formula"),
        Entrant("kornia lovasz_softmax_loss", lovasz_softmax_loss, **ROUNDED),
        limits=SORTED,
        main=False,
    )


def independent(quick: bool) -> Iterator[Row]:
    """A sigmoid for each label."""
    monai: dict[str, Any] = {"sigmoid": True, "batch": True, **NEXT_TO_NONE}

    def row(loss: Callable[..., losses.Loss], *peers: Entrant, limits: Limits = AS_FEW, **more: Any) -> Row:
        return Row(
            loss(activation="sigmoid"), labels(quick), BCE, peers, limits, compiled=more.get("main", True), **more
        )

    yield row(
        losses.Dice,
        Entrant("smp DiceLoss", smp.DiceLoss("multilabel"), floats),
        Entrant("MONAI DiceLoss", MonaiDice(**monai), floats),
        Entrant("pytorch-toolbelt DiceLoss", toolbelt.DiceLoss("multilabel"), floats),
    )
    yield row(losses.GeneralizedDice, Entrant("MONAI GeneralizedDiceLoss", MonaiGeneralizedDice(**monai), floats))
    yield row(
        losses.Jaccard,
        Entrant("smp JaccardLoss", smp.JaccardLoss("multilabel"), floats),
        Entrant("MONAI DiceLoss", MonaiDice(jaccard=True, **monai), floats),
        Entrant("pytorch-toolbelt JaccardLoss", toolbelt.JaccardLoss("multilabel"), floats),
    )
    prices = {"alpha": 0.3, "beta": 0.7}
    yield row(
        partial(losses.Tversky, **prices),
        Entrant("smp TverskyLoss", smp.TverskyLoss("multilabel", **prices), floats),
        Entrant("MONAI TverskyLoss", MonaiTversky(**prices, **monai), floats),
    )
    focal = smp.TverskyLoss("binary", **prices, gamma=3 / 4)
    yield row(losses.FocalTversky, Entrant("smp TverskyLoss", focal, floats))
    jaccard = smp.JaccardLoss("multilabel")
    both = Entrant("torch and smp", lambda x, y: (F.binary_cross_entropy_with_logits(x, y) + jaccard(x, y)) / 2, floats)
    yield row(losses.CrossEntropyIoU, both)
    theirs, single = toolbelt.BinaryLovaszLoss(per_image=False), lambda y: (y[:, 0].float(),)
    yield row(
        partial(losses.Lovasz, errors="hinge"),
        Entrant("smp LovaszLoss", smp.LovaszLoss("binary", per_image=False), floats, **ROUNDED),
        Entrant("pytorch-toolbelt BinaryLovaszLoss", lambda x, y: theirs(x[:, 0], y), single, **ROUNDED),
        limits=SORTED,
    )
    yield row(
        partial(losses.Lovasz, errors="hinge", per_image=True),
        Entrant("kornia lovasz_hinge_loss", lovasz_hinge_loss, single, **ROUNDED),
        limits=SORTED,
        main=False,
    )
    for loss, name in ((losses.Dice, "Dice"), (losses.Jaccard, "Jaccard")):
        peers = (
            Entrant(f"smp {name}Loss", getattr(smp, f"{name}Loss")("multilabel")),
            Entrant("MONAI DiceLoss", MonaiDice(soft_label=True, jaccard=name == "Jaccard", **monai)),
        )
        yield Row(loss(activation="sigmoid"), labels(quick, soft=True), BCE, peers, AS_FEW, main=False)
