"""What Lovasz alone promises: the discrete Jaccard loss where answers are sure, and a convex surface between."""

from itertools import product

import pytest
import torch

from piste.losses import Lovasz
from piste.losses.regions import extension
from piste.losses.regions.lovasz import as_printed

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


class TestOfLargeUnits:
    """Of so many elements that each is scored alone."""

    logits = torch.randn(2, 3, 151, 241, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    target = (logits + 2 * torch.randn(logits.shape, generator=torch.Generator().manual_seed(4))).argmax(1)
    mask = torch.rand(2, 151, 241, generator=torch.Generator().manual_seed(5)) < 0.8
    weight = torch.rand(2, 151, 1, generator=torch.Generator().manual_seed(6), dtype=torch.float64)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("bins", [None, 16])
    @pytest.mark.parametrize("call", [(), ("mask",), ("sample_weight",), ("mask", "sample_weight")])
    def test_each_costs_what_the_reference_says(self, call, bins, dtype) -> None:
        given = {name: {"mask": self.mask, "sample_weight": self.weight}[name] for name in call}
        got = Lovasz(per_image=True, reduction="none", bins=bins)(self.logits.to(dtype), self.target, **given)
        count = torch.ones(2, 151, 241, dtype=torch.float64)
        for each in given.values():
            count = count * each
        probs = self.logits.softmax(1)
        for image, c in ((0, 0), (0, 2), (1, 1)):
            share = (count[image].sum() / (count[image] > 0).sum()).item()  # what the image counts
            true = (self.target[image] == c).double()
            rows = (each.flatten().tolist() for each in (probs[image, c], true, count[image]))
            expected = as_printed(*rows, errors="probability", bins=bins)
            assert got[image, c].item() == pytest.approx(share * expected, rel=1e-5 if dtype == torch.float32 else 1e-9)

    @pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
    @pytest.mark.parametrize(
        "keywords",
        [
            {},
            {"per_image": True},
            {"bins": 16},
            {"classes": [2, 0]},
            {"activation": "sigmoid"},
            {"activation": "sigmoid", "errors": "hinge", "per_image": True},
        ],
        ids=str,
    )
    def test_slopes_and_theirs_are_those_of_all_units_at_once(self, keywords, layout, monkeypatch) -> None:
        target = self.target
        if "activation" in keywords:
            target = torch.nn.functional.one_hot(target, 3).movedim(-1, 1).bool()
        found = []
        for size in (2**15, 2**30):
            monkeypatch.setattr(extension, "_BY_RADIX", size)
            logits = self.logits.clone(memory_format=layout).requires_grad_()
            value = Lovasz(**keywords)(logits, target)
            first = torch.autograd.grad(value, logits, retain_graph=True)[0].clone()
            again = torch.autograd.grad(3 * value, logits, retain_graph=True)[0] / 3
            torch.testing.assert_close(first, again)
            (slope,) = torch.autograd.grad(value, logits, create_graph=True)
            torch.testing.assert_close(first, slope)
            (curve,) = torch.autograd.grad(slope.square().sum(), logits)
            found.append((value, first, curve))
        for a, b in zip(*found, strict=True):
            torch.testing.assert_close(a, b)


class TestBins:
    """Of how large an error is only its bin counts."""

    @pytest.mark.parametrize("bins", [2, 5, 64])
    @pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
    def test_cost_at_most_one_bin_less_than_sorting_and_never_more(self, scale, bins) -> None:
        for seed in range(20):
            logits = scale * torch.randn(2, 4, 9, 11, generator=torch.Generator().manual_seed(seed)).double()
            target = torch.randint(4, (2, 9, 11), generator=torch.Generator().manual_seed(seed + 1))
            exact, counted = (Lovasz(bins=each, reduction="none")(logits, target) for each in (None, bins))
            assert (counted <= exact + 1e-12).all()
            assert (counted >= exact - 1 / bins).all()

    def test_are_exact_where_every_error_has_a_bin_of_its_own(self) -> None:
        logits = torch.tensor([0.05, 0.15, 0.35, 0.62, 0.88], dtype=torch.float64).logit().view(1, 1, 5)
        labels = torch.tensor([[[0, 1, 0, 1, 1]]])
        got, exact = (Lovasz(activation="sigmoid", bins=bins)(logits, labels) for bins in (100, None))
        assert got.item() == pytest.approx(exact.item())

    def test_of_tied_elements_either_kind_comes_first_half_of_the_time(self) -> None:
        """Two true and two others with p = 1/2: a true one adds 1/2 or 1/4, mean 3/8, the others 0 or 1/4, mean 1/8."""
        logits = torch.zeros(1, 1, 4, dtype=torch.float64, requires_grad=True)
        Lovasz(activation="sigmoid", bins=2)(logits, torch.tensor([[[1, 1, 0, 0]]])).backward()
        torch.testing.assert_close(logits.grad, torch.tensor([[[-3.0, -3.0, 1.0, 1.0]]]).double() / 8 / 4)

    def test_keep_the_iou_of_sure_answers(self) -> None:
        found, true = torch.tensor([1, 1, 0, 1, 0]).bool(), torch.tensor([1, 0, 1, 1, 0]).bool()
        value = Lovasz(activation="sigmoid", bins=3)((200.0 * found - 100).view(1, 1, 5), true.view(1, 1, 5))
        assert value.item() == pytest.approx(1 - 2 / 4)

    @pytest.mark.parametrize("bins", [1, 0, -3, 2.5, True])
    def test_are_at_least_two(self, bins) -> None:
        with pytest.raises(ValueError, match="`bins` must be None, to sort the errors, or an integer >= 2; got"):
            Lovasz(bins=bins)

    def test_need_errors_that_end(self) -> None:
        with pytest.raises(ValueError, match='`bins` goes with errors="probability"'):
            Lovasz(errors="hinge", activation="sigmoid", bins=8)
