"""Region losses beside independent implementations.

Where one of these disagrees with the paper, `test_..._is_wrong_about_...` holds ours to arithmetic and notices when
the other is mended.
"""

import pytest
import torch
from kornia.losses import dice_loss, lovasz_hinge_loss, lovasz_softmax_loss, tversky_loss
from monai.losses import DiceLoss as MonaiDice
from monai.losses import GeneralizedDiceLoss as MonaiGeneralizedDice
from monai.losses import TverskyLoss as MonaiTversky
from segmentation_models_pytorch import losses as smp
from torch import Tensor
from torch.nn import functional as F

from piste.losses import CrossEntropyIoU, Dice, FocalTversky, GeneralizedDice, Jaccard, Lovasz, Tversky

from .conftest import example
from .toolbelt import BinaryLovaszLoss, DiceLoss, JaccardLoss
from .toolbelt import LovaszLoss as ToolbeltLovasz

LOGITS = 2 * example(3, 5, 7, 11)
INDEX = (torch.arange(3 * 77).view(3, 7, 11) * 17 // 3) % 5
LABELS = F.one_hot(INDEX, 5).movedim(-1, 1)
SHARES = example(3, 5, 7, 11, seed=6).sigmoid()
MONAI = {"softmax": True, "to_onehot_y": True, "smooth_nr": 0.0, "smooth_dr": 0.0}
ALPHA_BETA = [(0.3, 0.7), (0.8, 0.1)]


def _agree(witness, name: str, peer: str, ours, theirs, *, logits: Tensor = LOGITS, rtol: float = 1e-6) -> None:
    """Values and gradients are the same."""
    leaves = [logits.clone().requires_grad_() for _ in range(2)]
    values = ours(leaves[0]), theirs(leaves[1])
    slopes = [torch.autograd.grad(value, leaf)[0] for value, leaf in zip(values, leaves, strict=True)]
    witness(name, peer, *values, rtol=rtol)
    witness(name, peer, *slopes, rtol=rtol)


def test_dice_is_smp_s_monai_s_kornia_s_and_toolbelt_s(witness) -> None:
    def ours(x: Tensor) -> Tensor:
        return Dice()(x, INDEX)

    def per_image(x: Tensor) -> Tensor:
        return Dice(per_image=True)(x, INDEX)

    _agree(witness, "dice", "smp DiceLoss", ours, lambda x: smp.DiceLoss("multiclass")(x, INDEX))
    _agree(witness, "dice", "pytorch-toolbelt DiceLoss", ours, lambda x: DiceLoss("multiclass")(x, INDEX))
    _agree(witness, "dice", "monai DiceLoss", ours, lambda x: MonaiDice(batch=True, **MONAI)(x, INDEX.unsqueeze(1)))
    _agree(witness, "dice", "monai DiceLoss", per_image, lambda x: MonaiDice(**MONAI)(x, INDEX.unsqueeze(1)))
    _agree(witness, "dice", "kornia dice_loss", per_image, lambda x: dice_loss(x, INDEX, average="macro"))


def test_smooth_is_monai_s_and_toolbelt_s_and_twice_that_of_smp(witness) -> None:
    def ours(x: Tensor) -> Tensor:
        return Dice(smooth=3.0)(x, INDEX)

    monai = MonaiDice(batch=True, **{**MONAI, "smooth_nr": 3.0, "smooth_dr": 3.0})
    _agree(witness, "dice", "monai DiceLoss", ours, lambda x: monai(x, INDEX.unsqueeze(1)))
    _agree(witness, "dice", "pytorch-toolbelt DiceLoss", ours, lambda x: DiceLoss("multiclass", smooth=3.0)(x, INDEX))
    _agree(witness, "dice", "smp DiceLoss", ours, lambda x: smp.DiceLoss("multiclass", smooth=1.5)(x, INDEX))


def test_soft_labels_are_priced_as_by_smp_and_monai(witness) -> None:
    for name, cls, peer, jaccard in (
        ("dice", Dice, smp.DiceLoss, False),
        ("jaccard", Jaccard, smp.JaccardLoss, True),
    ):
        loss = cls(activation="sigmoid")
        monai = MonaiDice(sigmoid=True, soft_label=True, jaccard=jaccard, batch=True, smooth_nr=0.0, smooth_dr=0.0)
        _agree(witness, name, "monai DiceLoss", lambda x, loss=loss: loss(x, SHARES), lambda x, m=monai: m(x, SHARES))
        theirs = peer("multilabel")
        label = f"smp {peer.__name__}"
        _agree(witness, name, label, lambda x, loss=loss: loss(x, SHARES), lambda x, t=theirs: t(x, SHARES))


def test_class_weights_and_classes_are_those_of_smp(witness) -> None:
    weight = [0.5, 2.0, 1.0, 3.0, 0.1]

    def ours(x: Tensor) -> Tensor:
        return Dice(weight=weight, classes=[0, 3, 2])(x, INDEX)

    theirs = smp.DiceLoss("multiclass", class_weights=weight, classes=[0, 3, 2])
    _agree(witness, "dice", "smp DiceLoss", ours, lambda x: theirs(x, INDEX))


def test_jaccard_is_smp_s_monai_s_and_toolbelt_s(witness) -> None:
    def ours(x: Tensor) -> Tensor:
        return Jaccard()(x, INDEX)

    monai = MonaiDice(batch=True, jaccard=True, **MONAI)
    _agree(witness, "jaccard", "monai DiceLoss", ours, lambda x: monai(x, INDEX.unsqueeze(1)))
    _agree(witness, "jaccard", "smp JaccardLoss", ours, lambda x: smp.JaccardLoss("multiclass")(x, INDEX))
    _agree(witness, "jaccard", "pytorch-toolbelt JaccardLoss", ours, lambda x: JaccardLoss("multiclass")(x, INDEX))


@pytest.mark.parametrize(("alpha", "beta"), ALPHA_BETA)
def test_tversky_is_smp_s_monai_s_and_kornia_s(witness, alpha, beta) -> None:
    prices = {"alpha": alpha, "beta": beta}

    def ours(x: Tensor) -> Tensor:
        return Tversky(**prices)(x, INDEX)

    def per_image(x: Tensor) -> Tensor:
        return Tversky(per_image=True, **prices)(x, INDEX)

    monai = MonaiTversky(batch=True, **prices, **MONAI)
    _agree(witness, "tversky", "smp TverskyLoss", ours, lambda x: smp.TverskyLoss("multiclass", **prices)(x, INDEX))
    _agree(witness, "tversky", "monai TverskyLoss", ours, lambda x: monai(x, INDEX.unsqueeze(1)))
    _agree(witness, "tversky", "kornia tversky_loss", per_image, lambda x: tversky_loss(x, INDEX, alpha, beta))


def test_focal_tversky_of_one_class_is_smp_s_with_the_inverse_of_gamma(witness) -> None:
    labels = LABELS[:, :1].double()

    def ours(x: Tensor) -> Tensor:
        return FocalTversky(gamma=4 / 3, activation="sigmoid")(x, labels)

    theirs = smp.TverskyLoss("binary", alpha=0.3, beta=0.7, gamma=3 / 4)
    _agree(witness, "focal_tversky", "smp TverskyLoss", ours, lambda x: theirs(x, labels), logits=LOGITS[:, :1])


def test_smp_is_wrong_about_focal_tversky_of_many_classes() -> None:
    """It bends the mean of the classes, where the paper sums what each class's bent cost is."""
    each = Tversky(reduction="none")(LOGITS, INDEX)
    value = FocalTversky(gamma=0.5)(LOGITS, INDEX)
    torch.testing.assert_close(value, each.square().mean())
    theirs = smp.TverskyLoss("multiclass", alpha=0.3, beta=0.7, gamma=2.0)(LOGITS, INDEX)
    torch.testing.assert_close(theirs, each.mean().square())
    assert (theirs - value).abs().item() > 1e-4


def test_cross_entropy_iou_is_the_mean_of_torch_s_and_smp_s(witness) -> None:
    jaccard = smp.JaccardLoss("multiclass")
    _agree(
        witness,
        "cross_entropy_iou",
        "torch cross_entropy and smp JaccardLoss",
        lambda x: CrossEntropyIoU()(x, INDEX),
        lambda x: (F.cross_entropy(x, INDEX) + jaccard(x, INDEX)) / 2,
    )


@pytest.mark.parametrize("per_image", [False, True])
def test_generalized_dice_is_monai_s(witness, per_image) -> None:
    """Its weights are float32."""
    monai = MonaiGeneralizedDice(batch=not per_image, **MONAI)
    _agree(
        witness,
        "generalized_dice",
        "monai GeneralizedDiceLoss",
        lambda x: GeneralizedDice(per_image=per_image)(x, INDEX),
        lambda x: monai(x, INDEX.unsqueeze(1)),
    )


def test_generalized_dice_weighs_absent_labels_as_monai_does(witness) -> None:
    labels = LABELS.double().index_fill(1, torch.tensor([1, 4]), 0.0)
    monai = MonaiGeneralizedDice(batch=True, sigmoid=True, smooth_nr=0.0, smooth_dr=0.0)
    _agree(
        witness,
        "generalized_dice",
        "monai GeneralizedDiceLoss",
        lambda x: GeneralizedDice(activation="sigmoid")(x, labels),
        lambda x: monai(x, labels),
    )


def test_lovasz_of_many_classes_is_the_authors_in_smp_and_toolbelt_and_kornia_s(witness) -> None:
    """The first two take differences of Jaccard scores in float32."""
    target = INDEX.where(INDEX != 2, 0)  # a class that is not there

    def single(theirs):
        return lambda x: theirs(x.float(), target).double()

    def ours(x: Tensor) -> Tensor:
        return Lovasz()(x, target)

    _agree(witness, "lovasz", "smp LovaszLoss", ours, single(smp.LovaszLoss("multiclass")), rtol=1e-4)
    toolbelt = ToolbeltLovasz()
    _agree(witness, "lovasz", "pytorch-toolbelt LovaszLoss", ours, lambda x: single(toolbelt)(x.softmax(1)), rtol=1e-4)
    _agree(
        witness,
        "lovasz",
        "kornia lovasz_softmax_loss",
        lambda x: Lovasz(per_image=True, absent="formula")(x, target),
        lambda x: lovasz_softmax_loss(x, target),
    )


def test_lovasz_hinge_is_the_authors_in_smp_and_toolbelt_and_kornia_s(witness) -> None:
    labels, logits = LABELS[:, :1], LOGITS[:, :1]
    for per_image in (False, True):
        loss = Lovasz(activation="sigmoid", errors="hinge", per_image=per_image)

        def ours(x: Tensor, loss=loss) -> Tensor:
            return loss(x, labels)

        peers = {
            "smp LovaszLoss": smp.LovaszLoss("binary", per_image=per_image),
            "pytorch-toolbelt BinaryLovaszLoss": BinaryLovaszLoss(per_image=per_image),
        }
        for name, peer in peers.items():

            def theirs(x: Tensor, peer=peer) -> Tensor:
                return peer(x[:, 0].float(), labels[:, 0]).double()

            _agree(witness, "lovasz", name, ours, theirs, logits=logits, rtol=1e-4)
    _agree(
        witness,
        "lovasz",
        "kornia lovasz_hinge_loss",
        lambda x: Lovasz(activation="sigmoid", errors="hinge", per_image=True)(x, labels),
        lambda x: lovasz_hinge_loss(x, labels[:, 0]),
        logits=logits,
    )


def test_kornia_is_wrong_about_dice_by_default() -> None:
    """Over a softmax its "micro" average is 1 - the mean p of the truth: no overlap, and no rare class, is in it."""
    truth = LOGITS.softmax(1).gather(1, INDEX.unsqueeze(1))
    torch.testing.assert_close(dice_loss(LOGITS, INDEX), 1 - truth.mean(), rtol=1e-6, atol=0)
    rare = torch.zeros(1, 10, 10, dtype=torch.long)
    rare[0, 0, 0] = 1
    blind = torch.stack((torch.full((1, 10, 10), 50.0), torch.full((1, 10, 10), -50.0)), 1)
    assert dice_loss(blind, rare).item() == pytest.approx(0.01)
    assert Dice()(blind, rare).item() == pytest.approx((1 - 2 * 99 / 199 + 1) / 2)


@pytest.mark.parametrize("peer", [smp.DiceLoss, smp.JaccardLoss, DiceLoss, JaccardLoss])
def test_smp_and_toolbelt_are_wrong_about_absent_classes(peer) -> None:
    """They cost 0 and are counted in the mean, so that the loss shrinks with the number of classes in the list."""
    target = INDEX.clamp(max=1)
    cls = Dice if peer.__name__ == "DiceLoss" else Jaccard
    each = cls(reduction="none", absent="formula")(LOGITS, target)
    torch.testing.assert_close(cls()(LOGITS, target), each[:2].mean())
    torch.testing.assert_close(peer("multiclass")(LOGITS, target), each[:2].sum() / 5, rtol=1e-5, atol=0)


@pytest.mark.parametrize("peer", [smp.DiceLoss, DiceLoss])
def test_smp_and_toolbelt_are_wrong_about_a_false_alarm_on_an_empty_mask(peer) -> None:
    """All is predicted where nothing is: it costs nothing, and has no slope."""
    logits, empty = torch.full((1, 1, 4, 4), 5.0), torch.zeros(1, 1, 4, 4)
    assert peer("binary")(logits, empty).item() == 0
    assert Dice(activation="sigmoid")(logits, empty).item() == pytest.approx(1 / (1 + 2.718281828**-5))


def test_monai_is_wrong_about_generalized_dice_without_foreground() -> None:
    """Its weights are then all 0, and every prediction costs the same, without a slope."""
    logits, empty = torch.full((1, 1, 4, 4), -1.0, requires_grad=True), torch.zeros(1, 1, 4, 4)
    theirs = MonaiGeneralizedDice(sigmoid=True)(logits, empty)
    assert not torch.autograd.grad(theirs, logits)[0].any()
    ours = GeneralizedDice(activation="sigmoid")(logits, empty)
    assert ours.item() == pytest.approx(1 / (1 + 2.718281828))
    assert bool((torch.autograd.grad(ours, logits)[0] > 0).all())


def test_monai_is_wrong_about_soft_labels_by_default() -> None:
    """The right answer costs something, and a sharper one less."""
    shares = torch.full((1, 1, 4, 4), 0.7)
    right, sharper = shares.logit(), torch.full((1, 1, 4, 4), 9.0)
    loss = MonaiDice(sigmoid=True, smooth_nr=0.0, smooth_dr=0.0)
    assert loss(sharper, shares) < loss(right, shares) - 0.1
    assert Dice(activation="sigmoid")(right, shares).item() == pytest.approx(0, abs=1e-6)
