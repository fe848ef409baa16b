"""What Lovasz alone promises: the discrete Jaccard loss where answers are sure, and a convex surface between."""

from itertools import product

import pytest
import torch

from piste.losses import Lovasz

LOGITS = torch.randn(2, 5, 7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGET = torch.randint(5, (2, 7, 3), generator=torch.Generator().manual_seed(1))


def iou(found: torch.Tensor, true: torch.Tensor) -> float:
    """Intersection over union of two sets of elements."""
    return float((found & true).sum() / (found | true).sum())


@pytest.mark.parametrize("truth", [(1, 0, 0, 0, 0), (1, 1, 0, 1, 0), (1, 1, 1, 1, 1)])
def test_at_every_sure_answer_is_one_minus_iou(truth) -> None:
    true = torch.tensor(truth, dtype=torch.bool)
    for found in product((False, True), repeat=5):
        found = torch.tensor(found)
        logits = 200.0 * found - 100.0
        value = Lovasz(activation="sigmoid")(logits.view(1, 1, 5), true.view(1, 1, 5))
        assert value.item() == pytest.approx(1 - iou(found, true))
        margin = found * 2.0 - 1.0  # a hinge error of 2 where it is wrong, of 0 where it is right
        value = Lovasz(activation="sigmoid", errors="hinge")(margin.view(1, 1, 5), true.view(1, 1, 5))
        assert value.item() == pytest.approx(2 * (1 - iou(found, true)))


def test_of_many_classes_at_random_is_the_mean_over_each_class_s_iou() -> None:
    answers = LOGITS.argmax(1)
    value = Lovasz()(1e3 * torch.nn.functional.one_hot(answers, 5).movedim(-1, 1).double(), TARGET)
    assert value.item() == pytest.approx(1 - sum(iou(answers == c, c == TARGET) for c in range(5)) / 5)


def test_hinge_is_convex_in_the_scores() -> None:
    dice = torch.Generator().manual_seed(2)
    loss, target = Lovasz(activation="sigmoid", errors="hinge"), (LOGITS > 0.3).long()
    for _ in range(50):
        one, two = (3 * torch.randn(LOGITS.shape, generator=dice, dtype=torch.float64) for _ in range(2))
        assert loss((one + two) / 2, target) <= (loss(one, target) + loss(two, target)) / 2 + 1e-12


def test_hinge_leaves_alone_what_is_right_by_a_margin() -> None:
    logits = torch.tensor([[[1.5, 0.5, -1.5, -0.5]]], requires_grad=True)
    Lovasz(activation="sigmoid", errors="hinge")(logits, torch.tensor([[[1, 1, 0, 0]]])).backward()
    assert (logits.grad != 0).tolist() == [[[False, True, False, True]]]


def test_hinge_needs_scores_with_a_sign() -> None:
    with pytest.raises(ValueError, match=r'`errors` may be "hinge" with activation="sigmoid" alone.*softmax'):
        Lovasz(errors="hinge")


@pytest.mark.parametrize("errors", ["probability", "hinge"])
def test_a_sample_weight_of_3_is_as_the_element_three_times(errors) -> None:
    labels = (LOGITS.roll(1, 0) > 0).double()
    times = torch.tensor([1, 3, 1, 2, 0, 1, 1])
    loss = Lovasz(activation="sigmoid", errors=errors)
    weighed = loss(LOGITS, labels, sample_weight=times.view(1, 1, 7, 1))
    repeated = loss(LOGITS.repeat_interleave(times, 2), labels.repeat_interleave(times, 2))
    torch.testing.assert_close(weighed, repeated)


def test_soft_labels_cost_nothing_where_they_are_met() -> None:
    probs = LOGITS.softmax(1)
    assert Lovasz()(LOGITS, probs).item() == pytest.approx(0, abs=1e-12)
    assert Lovasz()(LOGITS, probs.roll(1, 1)).item() > 0.1


class TestAbsent:
    """Nothing is true and p = 1/4 but for one element with 1/2."""

    logits = torch.tensor([[[0.5, 0.25, 0.25, 0.25]]]).logit()

    @pytest.mark.parametrize(
        ("absent", "cost"), [("skip", 0.0), ("area", 1.25 / 4), ("formula", 0.5), (None, 1.25 / 4)]
    )
    def test_costs_what_its_name_says(self, absent, cost) -> None:
        value = Lovasz(activation="sigmoid", absent=absent)(self.logits, torch.zeros(1, 1, 4))
        assert value.item() == pytest.approx(cost)

    def test_by_the_formula_the_largest_hinge_error_alone_has_a_slope(self) -> None:
        logits = torch.tensor([[[2.0, 1.0, -3.0]]], requires_grad=True)
        value = Lovasz(activation="sigmoid", errors="hinge", absent="formula")(logits, torch.zeros(1, 1, 3))
        value.backward()
        assert value.item() == pytest.approx(3)
        assert logits.grad.tolist() == [[[1.0, 0.0, 0.0]]]

    def test_an_absent_class_of_a_softmax_is_not_counted_as_zero(self) -> None:
        target = TARGET.clamp(max=3)
        each = Lovasz(reduction="none", absent="formula")(LOGITS, target)
        torch.testing.assert_close(Lovasz()(LOGITS, target), each[:4].mean())


def test_what_is_masked_is_as_cropped_and_all_masked_costs_nothing() -> None:
    mask = torch.zeros(2, 7, 3, dtype=torch.bool)
    mask[:, :4] = True
    for loss in (Lovasz(), Lovasz(per_image=True)):
        torch.testing.assert_close(loss(LOGITS, TARGET, mask=mask), loss(LOGITS[:, :, :4], TARGET[:, :4]))
        assert loss(LOGITS, TARGET, mask=mask & False).item() == 0


def test_slopes_keep_their_digits_on_a_large_image() -> None:
    """Each is about one millionth: the difference of two Jaccard scores in float32 would leave one digit of it."""
    logits = torch.linspace(-2, 3, 1_000_003).view(1, 1, -1)
    labels = (torch.arange(1_000_003) % 7 == 3).view(1, 1, -1)
    slopes = []
    for dtype in (torch.float32, torch.float64):
        leaf = logits.to(dtype).clone().requires_grad_()
        Lovasz(activation="sigmoid", errors="hinge")(leaf, labels).backward()
        slopes.append(leaf.grad.double())
    active = slopes[1] != 0
    errors = (slopes[0] - slopes[1]).abs()[active] / slopes[1].abs()[active]
    assert errors.sort().values[int(0.99 * len(errors))].item() < 1e-4
