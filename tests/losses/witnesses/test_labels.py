"""Label losses beside independent implementations.

Where one of these disagrees with the paper, `test_..._is_wrong_about_...` holds ours to arithmetic and notices when
the other is mended.
"""

from math import exp, log, log1p

import pytest
import torch
from kornia.losses import binary_focal_loss_with_logits, focal_loss
from monai.losses import FocalLoss as MonaiFocal
from mpmath import findroot, mp, mpf
from segmentation_models_pytorch.losses import FocalLoss as SmpFocal
from segmentation_models_pytorch.losses import SoftBCEWithLogitsLoss, SoftCrossEntropyLoss
from timm.loss import (
    AsymmetricLossMultiLabel,
    LabelSmoothingCrossEntropy,
    PolyBinaryCrossEntropy,
    PolyCrossEntropy,
    SoftTargetCrossEntropy,
)
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from piste.losses import (
    Asymmetric,
    BinaryCrossEntropy,
    BiTempered,
    CrossEntropy,
    Focal,
    GeneralizedCrossEntropy,
    HardMining,
    Poly,
    Quadratic,
    QualityFocal,
    SymmetricCrossEntropy,
    Varifocal,
    tempered_softmax,
)

from .conftest import example
from .toolbelt import (
    BinaryBiTemperedLogisticLoss,
    BinaryFocalLoss,
    CrossEntropyFocalLoss,
    QualityFocalLoss,
    bi_tempered_logistic_loss,
)

LOGITS = 2 * example(5, 7, 3)
INDEX = torch.arange(15).view(5, 3) % 7
SOFT = example(5, 7, 3, seed=6).softmax(1)
LABEL = (example(5, 7, 3, seed=7) > 0).double()
SHARE = example(5, 7, 3, seed=8).sigmoid()
WEIGHT = [0.5, 2.0, 1.0, 3.0, 0.1, 1.5, 1.0]
FLAT, FLAT_INDEX, FLAT_SOFT = LOGITS[..., 0], INDEX[:, 0], SOFT[..., 0]
FLAT_LABEL, FLAT_SHARE = LABEL[..., 0], SHARE[..., 0]


def _slope(loss, logits: Tensor, target: Tensor) -> Tensor:
    leaf = logits.clone().requires_grad_()
    return torch.autograd.grad(loss(leaf, target).sum(), leaf)[0]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_cross_entropy_is_torch_s(witness, smoothing, weight) -> None:
    given = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    target = INDEX.where(INDEX != 2, 255)
    loss = CrossEntropy(label_smoothing=smoothing, weight=given, ignore_index=255)
    peer = torch.nn.CrossEntropyLoss(label_smoothing=smoothing, weight=given, ignore_index=255)
    witness("cross_entropy", "torch cross_entropy", loss(LOGITS, target), peer(LOGITS, target))
    witness("cross_entropy", "torch cross_entropy", _slope(loss, LOGITS, target), _slope(peer, LOGITS, target))
    if weight is None:
        expected = F.cross_entropy(LOGITS, SOFT, label_smoothing=smoothing)
        witness("cross_entropy", "torch cross_entropy", CrossEntropy(label_smoothing=smoothing)(LOGITS, SOFT), expected)


def test_cross_entropy_is_timm_s(witness) -> None:
    got = CrossEntropy(label_smoothing=0.1)(FLAT, FLAT_INDEX)
    witness("cross_entropy", "timm LabelSmoothing", got, LabelSmoothingCrossEntropy(0.1)(FLAT, FLAT_INDEX))
    got = CrossEntropy()(FLAT, FLAT_SOFT)
    witness("cross_entropy", "timm SoftTarget", got, SoftTargetCrossEntropy()(FLAT, FLAT_SOFT))


def test_cross_entropy_is_smp_s(witness) -> None:
    got = CrossEntropy(label_smoothing=0.1)(LOGITS, INDEX)
    witness("cross_entropy", "smp SoftCrossEntropyLoss", got, SoftCrossEntropyLoss(smooth_factor=0.1)(LOGITS, INDEX))


def test_smp_is_wrong_about_what_is_ignored() -> None:
    """Its mean counts the ignored pixels, one in two here, as if they cost nothing."""
    target = INDEX.clone()
    target[:, 1:] = -100
    ours = CrossEntropy(label_smoothing=0.1, ignore_index=-100)(LOGITS, target)
    torch.testing.assert_close(ours, CrossEntropy(label_smoothing=0.1)(LOGITS[..., :1], INDEX[..., :1]))
    torch.testing.assert_close(SoftCrossEntropyLoss(smooth_factor=0.1)(LOGITS, target), ours / 3)


def test_smp_is_wrong_about_its_own_default() -> None:
    """Without a smooth_factor it multiplies by None."""
    with pytest.raises(TypeError):
        SoftCrossEntropyLoss()(LOGITS, INDEX)


@pytest.mark.parametrize("pos_weight", [1.0, 3.0])
@pytest.mark.parametrize("target", [LABEL, SHARE])
def test_binary_cross_entropy_is_torch_s(witness, pos_weight, target) -> None:
    loss, peer = (
        BinaryCrossEntropy(pos_weight=pos_weight),
        torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(pos_weight)),
    )
    name = "torch binary_cross_entropy_with_logits"
    witness("binary_cross_entropy", name, loss(LOGITS, target), peer(LOGITS, target))
    witness("binary_cross_entropy", name, _slope(loss, LOGITS, target), _slope(peer, LOGITS, target))
    witness(
        "cross_entropy",
        name,
        CrossEntropy(activation="sigmoid")(LOGITS, target),
        F.binary_cross_entropy_with_logits(LOGITS, target),
    )


def test_binary_cross_entropy_is_smp_s(witness) -> None:
    peer = SoftBCEWithLogitsLoss(ignore_index=None, pos_weight=torch.tensor(3.0))
    got = BinaryCrossEntropy(pos_weight=3.0)(LOGITS, LABEL)
    witness("binary_cross_entropy", "smp SoftBCEWithLogitsLoss", got, peer(LOGITS, LABEL))


@pytest.mark.parametrize("gamma", [0.5, 2.0])
@pytest.mark.parametrize("alpha", [None, 0.25])
def test_focal_with_sigmoid_is_torchvision_s_kornia_s_smp_s_and_toolbelt_s(witness, gamma, alpha) -> None:
    loss = Focal(gamma=gamma, alpha=alpha, activation="sigmoid")
    got = loss(LOGITS, LABEL)

    def torchvision(logits: Tensor, label: Tensor) -> Tensor:
        return sigmoid_focal_loss(logits, label, alpha=-1 if alpha is None else alpha, gamma=gamma, reduction="mean")

    witness("focal", "torchvision sigmoid_focal_loss", got, torchvision(LOGITS, LABEL))
    witness("focal", "torchvision sigmoid_focal_loss", _slope(loss, LOGITS, LABEL), _slope(torchvision, LOGITS, LABEL))
    kornia = binary_focal_loss_with_logits(LOGITS, LABEL, alpha=alpha, gamma=gamma, reduction="mean")
    witness("focal", "kornia binary_focal_loss_with_logits", got, kornia)
    witness("focal", "smp FocalLoss", got, SmpFocal("multilabel", alpha=alpha, gamma=gamma)(LOGITS, LABEL))
    toolbelt = BinaryFocalLoss(alpha=alpha, gamma=gamma)(LOGITS, LABEL)
    witness("focal", "pytorch-toolbelt BinaryFocalLoss", got, toolbelt)  # computes in float32
    witness("focal", "MONAI FocalLoss", got, MonaiFocal(gamma=gamma, alpha=alpha)(LOGITS, LABEL))  # so does this


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_with_softmax_is_kornia_s_and_monai_s_but_for_their_means(witness, gamma) -> None:
    """Both count each element once a class in the mean."""
    got = Focal(gamma=gamma)(LOGITS, INDEX)
    witness("focal", "kornia focal_loss", got, 7 * focal_loss(LOGITS, INDEX, alpha=None, gamma=gamma, reduction="mean"))
    monai = MonaiFocal(gamma=gamma, use_softmax=True, to_onehot_y=True)
    witness("focal", "MONAI FocalLoss", got, 7 * monai(LOGITS, INDEX.unsqueeze(1)))


def test_kornia_is_wrong_about_alpha_and_weights_of_exclusive_classes() -> None:
    """It takes class 0 for the background, and with weights divides by elements and classes instead of weights."""
    each = Focal(reduction="none")(LOGITS, INDEX)
    kornia = focal_loss(LOGITS, INDEX, alpha=0.25, gamma=2.0, reduction="none").sum(1)
    torch.testing.assert_close(kornia, each * torch.where(INDEX == 0, 0.75, 0.25))
    weight = torch.tensor(WEIGHT, dtype=torch.float64)
    ours = Focal(weight=weight)(LOGITS, INDEX)
    torch.testing.assert_close(ours, (weight[INDEX] * each).sum() / weight[INDEX].sum())
    kornia = focal_loss(LOGITS, INDEX, alpha=None, gamma=2.0, reduction="mean", weight=weight)
    torch.testing.assert_close(kornia, (weight[INDEX] * each).sum() / (7 * 15))


def test_smp_is_wrong_about_exclusive_classes() -> None:
    """Its "multiclass" is a sigmoid a class: shifting all logits alike, which no softmax sees, changes it."""
    ours, smp = Focal(), SmpFocal("multiclass")
    torch.testing.assert_close(ours(LOGITS + 3, INDEX), ours(LOGITS, INDEX))
    torch.testing.assert_close(
        ours(LOGITS, INDEX), F.nll_loss((1 - LOGITS.softmax(1)) ** 2 * LOGITS.log_softmax(1), INDEX)
    )
    assert smp(LOGITS + 3, INDEX) > 1.5 * smp(LOGITS, INDEX)


def test_pytorch_toolbelt_is_wrong_about_exclusive_classes() -> None:
    """It multiplies the focus of a softmax into a binary cross-entropy of each class."""
    logits, target = torch.tensor([[log(3), 0.0]], dtype=torch.float64), torch.tensor([1])
    assert Focal()(logits, target).item() == pytest.approx(9 / 16 * log(4), rel=1e-9)
    expected = 9 / 16 * log(4) + 9 / 16 * log(2)  # of class 0, sigmoid 3/4, and of class 1, sigmoid 1/2
    assert CrossEntropyFocalLoss()(logits, target).item() == pytest.approx(expected, rel=1e-6)


def test_monai_is_wrong_about_leaving_out_the_background() -> None:
    """It drops class 0 before the softmax, so that the others share a probability that they do not have."""
    logits = torch.tensor([[9.0, 0.0, 0.0]])
    value = MonaiFocal(gamma=0.0, use_softmax=True, to_onehot_y=True, include_background=False)(
        logits, torch.tensor([[1]])
    )
    assert 2 * value.item() == pytest.approx(log(2), rel=1e-6)
    assert Focal(gamma=0.0)(logits, torch.tensor([1])).item() == pytest.approx(9 + log1p(2 * exp(-9)), rel=1e-6)


def test_monai_is_wrong_about_slopes_where_the_model_is_sure() -> None:
    """Below gamma = 1 the power has an infinite slope at p = 1, which times the logarithm's 0 is no number."""
    logits, target = torch.tensor([[50.0, 0.0]]), torch.tensor([[0]])
    monai = MonaiFocal(gamma=0.5, use_softmax=True, to_onehot_y=True)
    assert _slope(monai, logits, target).isnan().any()
    assert _slope(Focal(gamma=0.5), logits, target[0]).abs().max() < 1e-9


def test_torchvision_is_wrong_about_slopes_where_the_model_is_sure() -> None:
    logits, target = torch.tensor([[50.0, -120.0]]), torch.tensor([[1.0, 0.0]])
    assert _slope(lambda x, y: sigmoid_focal_loss(x, y, gamma=0.5), logits, target).isnan().any()
    assert _slope(Focal(gamma=0.5, activation="sigmoid"), logits, target).abs().max() < 1e-9


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_quadratic_is_torch_s_squared_error_of_the_probabilities(witness, activation) -> None:
    target = SOFT if activation == "softmax" else SHARE
    probs = LOGITS.softmax(1) if activation == "softmax" else LOGITS.sigmoid()
    scale = 7 if activation == "softmax" else 2
    got = Quadratic(activation=activation)(LOGITS, target)
    witness("quadratic", "torch mse_loss", got, scale * F.mse_loss(probs, target))


@pytest.mark.parametrize("epsilon", [-1.0, 2.0])
def test_poly_is_timm_s(witness, epsilon) -> None:
    loss, peer = Poly(epsilon=epsilon), PolyCrossEntropy(epsilon=epsilon)
    witness("poly", "timm PolyCrossEntropy", loss(FLAT, FLAT_INDEX), peer(FLAT, FLAT_INDEX))  # computes in float32
    witness("poly", "timm PolyCrossEntropy", loss(FLAT, FLAT_SOFT), peer(FLAT, FLAT_SOFT))
    loss, peer = Poly(epsilon=epsilon, activation="sigmoid"), PolyBinaryCrossEntropy(epsilon=epsilon)
    witness("poly", "timm PolyBinaryCrossEntropy", loss(LOGITS, LABEL), peer(LOGITS, LABEL))


@pytest.mark.parametrize("q", [0.3, 0.7, 1.0])
def test_generalized_cross_entropy_is_the_formula_in_torch(witness, q) -> None:
    p = F.one_hot(INDEX, 7).movedim(-1, 1).mul(LOGITS.softmax(1)).sum(1)
    witness(
        "generalized_cross_entropy",
        "formula in torch",
        GeneralizedCrossEntropy(q=q)(LOGITS, INDEX),
        ((1 - p**q) / q).mean(),
    )


def test_symmetric_cross_entropy_is_the_two_cross_entropies_of_torch(witness) -> None:
    """By cross-entropy with probabilities both ways: the logits of the way back are the label's logarithms."""
    label = SOFT.clamp(min=1e-3)
    label = label / label.sum(1, keepdim=True)
    loss = SymmetricCrossEntropy(alpha=0.3, beta=0.7, log_zero=-20.0)
    back = F.cross_entropy(label.log(), LOGITS.softmax(1))
    expected = 0.3 * F.cross_entropy(LOGITS, label) + 0.7 * back
    witness("symmetric_cross_entropy", "torch cross_entropy", loss(LOGITS, label), expected)


@pytest.mark.parametrize(("gamma_pos", "gamma_neg", "clip"), [(0, 4, 0.05), (1, 2, 0.2), (1, 1, 0.0)])
def test_asymmetric_is_timm_s(witness, gamma_pos, gamma_neg, clip) -> None:
    keywords = {"gamma_pos": gamma_pos, "gamma_neg": gamma_neg, "clip": clip}
    loss, peer = Asymmetric(**keywords), AsymmetricLossMultiLabel(**keywords, reduction="mean")
    name = "timm AsymmetricLossMultiLabel"  # computes in float32
    witness("asymmetric", name, loss(FLAT, FLAT_LABEL), peer(FLAT, FLAT_LABEL))
    witness("asymmetric", name, _slope(loss, FLAT, FLAT_LABEL), _slope(peer, FLAT, FLAT_LABEL), rtol=2e-6)


def test_timm_is_wrong_about_positives_that_are_missed_surely() -> None:
    """It clips p at 1e-8: such a positive costs no more than 18.4 and has no slope."""
    logits, target = torch.tensor([[-30.0]]), torch.tensor([[1.0]])
    loss, peer = Asymmetric(), AsymmetricLossMultiLabel(gamma_pos=0, reduction="mean")
    assert loss(logits, target).item() == pytest.approx(30, rel=1e-6)
    assert _slope(loss, logits, target).item() == pytest.approx(-1, rel=1e-6)
    assert peer(logits, target).item() == pytest.approx(8 * log(10), rel=1e-6)
    assert _slope(peer, logits, target).item() == 0


def test_timm_is_wrong_about_labels_between_0_and_1() -> None:
    """The paper's y L+ + (1 - y) L- is linear in y; timm raises a mixed probability to a mixed exponent."""
    logits, half = torch.zeros(1, 1), torch.tensor([[0.5]])
    keywords = {"gamma_pos": 0.0, "gamma_neg": 4.0, "clip": 0.0}
    expected = (log(2) + 0.5**4 * log(2)) / 2
    assert Asymmetric(**keywords)(logits, half).item() == pytest.approx(expected, rel=1e-6)
    assert AsymmetricLossMultiLabel(**keywords, reduction="mean")(logits, half).item() == pytest.approx(
        log(2) / 4, rel=1e-6
    )


@pytest.mark.parametrize("beta", [1.0, 2.0])
@pytest.mark.parametrize("target", [LABEL, SHARE])
def test_quality_focal_is_pytorch_toolbelt_s(witness, beta, target) -> None:
    loss, peer = QualityFocal(beta=beta), QualityFocalLoss(beta=beta)
    witness("quality_focal", "pytorch-toolbelt QualityFocalLoss", loss(LOGITS, target), peer(LOGITS, target))


def test_varifocal_is_torch_s_cross_entropy_with_the_paper_s_weights(witness) -> None:
    """The detectors' form: a binary cross-entropy weighted by the label, or by alpha p^gamma for negatives."""
    quality = SHARE * LABEL
    weight = torch.where(quality > 0, quality, 0.75 * LOGITS.sigmoid() ** 2)
    expected = F.binary_cross_entropy_with_logits(LOGITS, quality, weight=weight)
    witness("varifocal", "torch binary_cross_entropy_with_logits", Varifocal()(LOGITS, quality), expected)


@pytest.mark.parametrize(("t1", "t2"), [(0.8, 1.2), (0.5, 2.0), (0.2, 4.0), (1.0, 1.5), (0.3, 0.7)])
def test_bi_tempered_is_pytorch_toolbelt_s_after_many_iterations(witness, t1, t2) -> None:
    def peer(logits: Tensor, target: Tensor) -> Tensor:
        return bi_tempered_logistic_loss(logits, target, t1, t2, num_iters=300)

    loss, name = BiTempered(t1=t1, t2=t2), "pytorch-toolbelt BiTemperedLogisticLoss"
    witness("bi_tempered", name, loss(FLAT, FLAT_INDEX), peer(FLAT, FLAT_INDEX))
    if t2 > 1:  # below 1 it gives NaN where a class has no probability
        witness("bi_tempered", name, loss(FLAT, FLAT_SOFT), peer(FLAT, FLAT_SOFT))
        witness("bi_tempered", name, _slope(loss, FLAT, FLAT_SOFT), _slope(peer, FLAT, FLAT_SOFT))


def test_bi_tempered_smooths_as_pytorch_toolbelt_does_with_another_share(witness) -> None:
    got = BiTempered(label_smoothing=0.1)(FLAT, FLAT_INDEX)
    expected = bi_tempered_logistic_loss(FLAT, FLAT_INDEX, 0.8, 1.2, label_smoothing=0.1 * 6 / 7, num_iters=300)
    witness("bi_tempered", "pytorch-toolbelt BiTemperedLogisticLoss", got, expected)


def test_pytorch_toolbelt_is_wrong_about_the_sum_of_tempered_probabilities() -> None:
    """Five steps of the paper's fixed point do not bring those of 1000 classes near 1."""
    logits = 20 * example(1, 1000)
    exact = bi_tempered_logistic_loss(logits, logits.argmax(1), 0.5, 1.5, num_iters=300)
    torch.testing.assert_close(BiTempered(t1=0.5, t2=1.5)(logits, logits.argmax(1)), exact, rtol=1e-6, atol=0)
    assert (bi_tempered_logistic_loss(logits, logits.argmax(1), 0.5, 1.5) - exact).abs() > 0.01


def test_pytorch_toolbelt_is_wrong_about_a_single_label() -> None:
    """It gives the two classes -x and x where the paper has 0 and x: each score counts twice."""
    x, y = FLAT[:, :1], FLAT_LABEL[:, :1]
    pair, label = torch.cat((0 * x, x), 1), torch.cat((1 - y, y), 1)
    ours = BiTempered(activation="sigmoid")
    expected = bi_tempered_logistic_loss(pair, label, 0.8, 1.2, num_iters=300)
    torch.testing.assert_close(ours(x, y), expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(BinaryBiTemperedLogisticLoss(0.8, 1.2)(x, y), ours(2 * x, y), rtol=1e-2, atol=0)


@pytest.mark.parametrize("t", [0.3, 0.8, 1.1, 2.0, 4.0])
def test_tempered_probabilities_are_mpmath_s_to_thirteen_digits(witness, t) -> None:
    logits = 3 * example(1, 6)
    with mp.workdps(40):
        a, s = [mpf(each) for each in logits[0].tolist()], mpf(t) - 1

        def p(shift, each):
            base = 1 + s * (shift + max(a) - each)
            return base ** (-1 / s) if base > 0 else mpf(0)

        bounds = (mpf(0), (mpf(6) ** s - 1) / s)
        shift = findroot(lambda shift: sum(p(shift, each) for each in a) - 1, bounds, solver="anderson")
        expected = torch.tensor([[float(p(shift, each)) for each in a]], dtype=torch.float64)
    witness("bi_tempered", "mpmath", tempered_softmax(logits, t), expected, rtol=1e-13)


def test_hard_mining_is_a_sort_of_torch_s_cross_entropy(witness) -> None:
    hardest = F.cross_entropy(LOGITS, INDEX, reduction="none").flatten().topk(4).values
    witness("hard_mining", "torch cross_entropy and topk", HardMining(keep=0.25)(LOGITS, INDEX), hardest.mean())
