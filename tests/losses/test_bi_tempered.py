"""What the bi-tempered loss alone promises: a ceiling, the paper's slope, and what it becomes at the ends."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses import BiTempered, CrossEntropy, Quadratic, spec_of, tempered_softmax
from piste.losses.contract import PROMISES, Setting
from piste.losses.labels.bi_tempered import as_printed

LOGITS = 2 * torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGET = torch.arange(14).view(2, 7) % 5
SOFT = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64).softmax(1)
TEMPERATURES = [(0.8, 1.2), (0.5, 4.0), (0.0, 1.0), (1.0, 2.0), (0.3, 0.5), (0.5, 0.5)]


@pytest.mark.parametrize("size", [1.0, 1.0 - 1e-7])
def test_at_1_and_1_hard_labels_have_their_cross_entropy(size) -> None:
    value = BiTempered(t1=size, t2=2 - size)(LOGITS, TARGET)
    torch.testing.assert_close(value, F.cross_entropy(LOGITS, TARGET), rtol=1e-5, atol=0)


@pytest.mark.parametrize("size", [1.0, 1.0 - 1e-7])
def test_at_1_and_1_soft_labels_have_their_divergence(size) -> None:
    expected = F.kl_div(LOGITS.log_softmax(1), SOFT, reduction="none").sum(1).mean()
    torch.testing.assert_close(BiTempered(t1=size, t2=2 - size)(LOGITS, SOFT), expected, rtol=1e-5, atol=0)


def test_label_smoothing_is_that_of_cross_entropy_less_the_entropy_of_the_label() -> None:
    smoothed = torch.tensor([0.9 + 0.1 / 5] + [0.1 / 5] * 4, dtype=torch.float64)
    entropy = -(smoothed * smoothed.log()).sum()
    value = BiTempered(t1=1.0, t2=1.0, label_smoothing=0.1)(LOGITS, TARGET)
    torch.testing.assert_close(value, CrossEntropy(label_smoothing=0.1)(LOGITS, TARGET) - entropy)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_at_0_and_1_it_is_half_the_quadratic_loss(activation) -> None:
    target = TARGET if activation == "softmax" else SOFT
    value = BiTempered(t1=0.0, t2=1.0, activation=activation)(LOGITS, target)
    torch.testing.assert_close(2 * value, Quadratic(activation=activation)(LOGITS, target))


@pytest.mark.parametrize("t1", [0.0, 0.5, 0.8])
def test_no_label_costs_more_than_1_over_1_minus_t1(t1) -> None:
    costs = [BiTempered(t1=t1, t2=t2)(torch.tensor([[1e4, 0.0]]), torch.tensor([1])).item() for t2 in (1.0, 2.0, 4.0)]
    assert costs[0] == pytest.approx(1 / (1 - t1), rel=1e-6)
    assert costs[0] > costs[1] > costs[2]


@pytest.mark.parametrize(("t1", "t2"), TEMPERATURES)
def test_the_slope_is_the_paper_s(t1, t2) -> None:
    """With d = (p - y) p^(t2 - t1) and q = p^t2 / sum p^t2 it is d - q sum d, for classes with any probability."""
    logits = LOGITS.clone().requires_grad_()
    BiTempered(t1=t1, t2=t2, reduction="sum")(logits, SOFT).backward()
    p = tempered_softmax(LOGITS, t2)
    d = torch.where(p > 0, (p - SOFT) * p ** (t2 - t1), 0)
    escort = torch.where(p > 0, p**t2, 0)
    expected = d - escort / escort.sum(1, keepdim=True) * d.sum(1, keepdim=True)
    torch.testing.assert_close(logits.grad, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("t1", "t2"), TEMPERATURES[:4])
def test_what_meets_its_label_costs_nothing_and_everything_else_more(t1, t2) -> None:
    loss = BiTempered(t1=t1, t2=t2, reduction="none")
    met = tempered_softmax(LOGITS, t2)
    assert loss(LOGITS, met).abs().max() < 1e-10
    assert loss(LOGITS + torch.linspace(-1, 1, 5).view(5, 1), met).min() > 1e-6


@pytest.mark.parametrize(("t1", "t2"), [(0.3, 0.5), (0.0, 0.9)])
def test_with_a_tail_that_ends_it_is_as_printed_too(t1, t2) -> None:
    logits, target = 3 * LOGITS[0, :, 0], SOFT[0, :, 0]
    expected = as_printed(logits.softmax(0).tolist(), target.tolist(), t1=t1, t2=t2, label_smoothing=0.0)
    value = BiTempered(t1=t1, t2=t2)(logits.unsqueeze(0), target.unsqueeze(0)).item()
    assert value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("size", [30.0, 100.0, 1e4])
def test_a_class_without_any_probability_has_a_finite_cost_and_no_slope(dtype, size) -> None:
    logits = torch.tensor([[size, 0.0, -size]], dtype=dtype, requires_grad=True)
    value = BiTempered(t1=0.3, t2=0.5)(logits, torch.tensor([2]))
    value.backward()
    assert value.isfinite()
    assert not logits.grad.any()


def test_slopes_need_t1_below_t2() -> None:
    with pytest.raises(ValueError, match=r"`t1` must be at most `t2`.*; got 0.9 and 0.5"):
        BiTempered(t1=0.9, t2=0.5)


@pytest.mark.parametrize(("keyword", "value"), [("t1", 1.2), ("t2", 0.0), ("t2", 9.0)])
def test_temperatures_keep_their_bounds(keyword, value) -> None:
    with pytest.raises(ValueError, match=rf"`{keyword}` is a temperature and must be a number "):
        BiTempered(**{keyword: value})


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("keywords", [{"t1": -1.0, "t2": 1.5}, {"t1": -3.0, "t2": 0.5}, {"t1": 0.5, "t2": 0.5}])
@pytest.mark.parametrize(
    "promise", ["value_is_that_of_the_reference", "gradient_is_that_of_the_reference", "everything_is_finite"]
)
def test_first_temperatures_below_0_and_second_ones_below_1_keep_the_contract(promise, keywords, activation) -> None:
    PROMISES[promise].check(Setting(spec_of(BiTempered), {"activation": activation, **keywords}))
