"""What all region losses share: the named choices, and areas that are right in number and in slope."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses import Jaccard
from piste.losses.regions.areas import areas_of_ids, areas_of_shares
from piste.losses.regions.base import RegionLoss


class Sums(RegionLoss):
    """The plain number of mistakes, to see the areas."""

    def cost(self, tp: torch.Tensor, fp: torch.Tensor, fn: torch.Tensor) -> torch.Tensor:
        """Add both kinds."""
        return fp + 10 * fn


def sample(dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 7, 5, generator=generator, dtype=dtype), torch.randint(3, (2, 7, 5), generator=generator)


def by_definition(probs: torch.Tensor, truth: torch.Tensor, count: torch.Tensor | float) -> list[torch.Tensor]:
    """The three areas of each image and class."""
    hit = probs.minimum(truth)
    return [(count * each).reshape(*probs.shape[:2], -1).sum(2) for each in (hit, probs - hit, truth - hit)]


SHAPES = [(2, 3), (2, 3, 7), (2, 3, 7, 5), (1, 3, 2, 3, 5), (2, 3, 307, 311), (70000, 3), (301, 3, 23, 29)]
"""The last three are of several blocks: parts of an image, and many images."""


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["ids", "soft", "labels", "bool"])
def test_areas_are_those_of_their_definition_in_value_slope_and_curvature(kind, shape, counted, layout) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(shape, generator=generator, dtype=torch.float64)
    logits = logits.to(memory_format=layout) if logits.dim() == 4 else logits.transpose(0, 1).clone().transpose(0, 1)
    logits.requires_grad_()
    index = torch.randint(3, (shape[0], 1, *shape[2:]), generator=generator)
    count = torch.rand(index.shape, generator=generator, dtype=torch.float64) if counted else None
    if count is not None:
        count[0] = 0
    truth = torch.rand(shape, generator=generator, dtype=torch.float64)
    truth = {"ids": F.one_hot(index.squeeze(1), 3).movedim(-1, 1).double(), "bool": truth > 0.5}.get(kind, truth)
    probs = logits.softmax(1) if kind in ("ids", "soft") else logits.sigmoid()
    slow = by_definition(probs, truth.double(), 1.0 if count is None else count)
    activation = "softmax" if kind == "soft" else "sigmoid"
    fast = areas_of_ids(logits, index, count) if kind == "ids" else areas_of_shares(logits, truth, count, activation)
    for name, a, b in zip(fast._fields, fast, slow, strict=True):
        torch.testing.assert_close(a, b, msg=lambda text, name=name: f"{name}: {text}")
        along = torch.linspace(-1, 1, a.numel(), dtype=torch.float64).view_as(a)
        (plain,) = torch.autograd.grad((a * along).sum(), logits, retain_graph=True)
        slopes = [torch.autograd.grad((x * along).sum(), logits, create_graph=True)[0] for x in (a, b)]
        torch.testing.assert_close(plain, slopes[1])
        torch.testing.assert_close(*slopes)
        curves = [torch.autograd.grad(slope.square().sum(), logits, retain_graph=True)[0] for slope in slopes]
        torch.testing.assert_close(*curves)


def test_sums_keep_their_digits_in_float32() -> None:
    """Twenty million halves, added one by one in float32, stop growing at 2**23."""
    target = torch.zeros(1, 20, 1_000_000, dtype=torch.long)
    logits = torch.zeros(1, 2, 1, 1).expand(1, 2, 20, 1_000_000)
    areas = areas_of_ids(logits, target.unsqueeze(1), None)
    torch.testing.assert_close(areas.tp, torch.tensor([[1e7, 0.0]]))
    torch.testing.assert_close(areas.fn, torch.tensor([[1e7, 0.0]]))


def test_the_batch_is_scored_as_one_image_and_per_image_as_many() -> None:
    logits, target = sample()
    stacked = logits.movedim(0, -1).reshape(1, 3, -1), target.movedim(0, -1).reshape(1, -1)
    torch.testing.assert_close(Jaccard()(logits, target), Jaccard()(*stacked))
    alone = torch.stack([Jaccard()(logits[i : i + 1], target[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(Jaccard(per_image=True)(logits, target), alone.mean())
    assert Jaccard(per_image=True, reduction="none")(logits, target).shape == (2, 3)
    assert Jaccard(reduction="none")(logits, target).shape == (3,)


def test_per_image_an_image_counts_by_its_mean_sample_weight() -> None:
    logits, target = sample()
    weight = torch.tensor([1.0, 3.0]).view(2, 1, 1)
    alone = [Jaccard()(logits[i : i + 1], target[i : i + 1]) for i in range(2)]
    value = Jaccard(per_image=True)(logits, target, sample_weight=weight)
    torch.testing.assert_close(value, (alone[0] + 3 * alone[1]) / 4)


def test_weights_of_zero_are_as_a_mask_to_smooth_and_to_the_images_mean() -> None:
    logits, target = sample()
    mask = torch.rand(2, 7, 5, generator=torch.Generator().manual_seed(2)) < torch.tensor([0.2, 0.8]).view(2, 1, 1)
    loss = Jaccard(smooth=5.0, per_image=True)
    torch.testing.assert_close(loss(logits, target, sample_weight=mask.float()), loss(logits, target, mask=mask))


def test_an_image_with_nothing_to_count_is_left_out_of_the_mean() -> None:
    logits, target = sample()
    mask = torch.tensor([True, False]).view(2, 1, 1)
    value = Jaccard(per_image=True)(logits, target, mask=mask)
    torch.testing.assert_close(value, Jaccard()(logits[:1], target[:1]))


def test_a_label_that_is_masked_everywhere_is_left_out_of_the_mean() -> None:
    logits, _ = sample()
    labels = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([True, False, True]).view(1, 3, 1, 1)
    value = Jaccard(activation="sigmoid")(logits, labels, mask=mask)
    torch.testing.assert_close(value, Jaccard(activation="sigmoid")(logits[:, [0, 2]], labels[:, [0, 2]]))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_classes_that_are_not_chosen_are_left_out_of_the_mean(activation) -> None:
    logits, target = sample()
    labels = F.one_hot(target, 3).movedim(-1, 1) if activation == "sigmoid" else target
    each = Jaccard(activation=activation, reduction="none")(logits, labels)
    chosen = Jaccard(activation=activation, classes=[2, 0], weight=[1.0, 5.0, 3.0])(logits, labels)
    torch.testing.assert_close(chosen, (3 * each[2] + each[0]) / 4)


def test_a_class_beyond_the_logits_is_refused() -> None:
    logits, target = sample()
    with pytest.raises(ValueError, match=r"`classes` must lie below the 3 of `logits`; got \[1, 3\]"):
        Jaccard(classes=[1, 3])(logits, target)


def test_smooth_is_in_elements_whatever_the_scale_of_sample_weights() -> None:
    logits, target = sample()
    heavy = torch.full((2, 7, 5), 50.0)
    loss = Jaccard(smooth=5.0)
    torch.testing.assert_close(loss(logits, target, sample_weight=heavy), loss(logits, target))


class TestAbsent:
    """Nothing is true and p = 1/4 everywhere."""

    logits = torch.full((1, 1, 7, 5), float(torch.logit(torch.tensor(0.25))))
    empty = torch.zeros(1, 1, 7, 5)

    @pytest.mark.parametrize(("absent", "cost"), [("skip", 0.0), ("area", 0.25), ("formula", 1.0), (None, 0.25)])
    def test_costs_what_its_name_says(self, absent, cost) -> None:
        value = Jaccard(activation="sigmoid", absent=absent)(self.logits, self.empty)
        torch.testing.assert_close(value, torch.tensor(cost))

    def test_area_gives_a_false_alarm_a_slope_where_the_formula_has_none(self) -> None:
        slopes = []
        for absent in ("area", "formula"):
            logits = self.logits.clone().requires_grad_()
            Jaccard(activation="sigmoid", absent=absent)(logits, self.empty).backward()
            slopes.append(logits.grad)
        torch.testing.assert_close(slopes[0], torch.full_like(self.logits, 0.25 * 0.75 / 35))
        torch.testing.assert_close(slopes[1], torch.zeros_like(self.logits))

    def test_an_absent_class_of_a_softmax_is_left_out_of_the_mean_and_not_counted_as_zero(self) -> None:
        logits, target = sample()
        target = target.clamp(max=1)
        each = Jaccard(reduction="none", absent="formula")(logits, target)
        torch.testing.assert_close(Jaccard()(logits, target), each[:2].mean())

    def test_of_chosen_classes_has_a_price_since_no_other_may_pay(self) -> None:
        logits, target = sample()
        target = target * 0
        share = logits.softmax(1)[:, 1].mean()
        torch.testing.assert_close(Jaccard(classes=[1])(logits, target), share)

    def test_is_per_image_where_images_are_scored_alone(self) -> None:
        logits = self.logits.expand(2, 1, 7, 5)
        target = torch.stack((self.empty[0], self.empty[0] + 1))
        each = Jaccard(activation="sigmoid", per_image=True, reduction="none")(logits, target)
        torch.testing.assert_close(each, torch.tensor([[0.25], [0.75]]))

    def test_is_one_of_three(self) -> None:
        with pytest.raises(ValueError, match="`absent` must be one of 'skip', 'area', 'formula'; got 'zero'"):
            Jaccard(absent="zero")


def test_every_area_is_weighed() -> None:
    """p = 1/2 on four elements of which two are true; one of each counts double, one not. Weights of 5 over 3."""
    logits, target = torch.zeros(1, 1, 4), torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
    weight = torch.tensor([[[2.0, 1.0, 2.0, 0.0]]])
    value = Sums(activation="sigmoid")(logits, target, sample_weight=weight)
    torch.testing.assert_close(value * 5 / 3, torch.tensor(2 * 0.5 + 10 * 3 * 0.5))


def test_no_slope_flows_to_sample_weights() -> None:
    logits, target = sample()
    weight = torch.ones(2, 7, 5, requires_grad=True)
    assert not Jaccard()(logits, target, sample_weight=weight).requires_grad
