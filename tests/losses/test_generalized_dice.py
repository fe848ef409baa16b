"""What generalised Dice alone promises: one overlap of all classes, in which size gives no class a say."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses import Dice, GeneralizedDice

LOGITS = torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGET = torch.randint(3, (2, 7, 5), generator=torch.Generator().manual_seed(1))


def test_with_one_class_is_dice() -> None:
    labels = (TARGET == 1).unsqueeze(1)
    for per_image in (False, True):
        both = [
            cls(activation="sigmoid", per_image=per_image)(LOGITS[:, :1], labels) for cls in (GeneralizedDice, Dice)
        ]
        torch.testing.assert_close(*both)


def test_a_class_weighs_by_the_inverse_square_of_its_size() -> None:
    """Class 0 has 2 of 20 elements and one miss; class 1 has 10 and five false alarms."""
    labels = torch.zeros(1, 2, 20)
    labels[0, 0, :2] = labels[0, 1, :10] = 1
    found = torch.zeros(1, 2, 20)
    found[0, 0, 0] = found[0, 1, :15] = 1
    value = GeneralizedDice(activation="sigmoid")(200 * found - 100, labels)
    assert value.item() == pytest.approx((1 / 2**2 + 5 / 10**2) / (3 / 2**2 + 25 / 10**2), rel=1e-6)


def test_an_image_enlarged_costs_the_same() -> None:
    loss = GeneralizedDice()
    enlarged = LOGITS.repeat_interleave(3, -1), TARGET.repeat_interleave(3, -1)
    torch.testing.assert_close(loss(*enlarged), loss(LOGITS, TARGET))


def test_per_image_is_the_mean_of_images_with_weights_of_their_own() -> None:
    loss = GeneralizedDice()
    alone = torch.stack([loss(LOGITS[i : i + 1], TARGET[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(GeneralizedDice(per_image=True)(LOGITS, TARGET), alone.mean())
    heavy = torch.tensor([1.0, 3.0]).view(2, 1, 1)
    value = GeneralizedDice(per_image=True)(LOGITS, TARGET, sample_weight=heavy)
    torch.testing.assert_close(value, (alone[0] + 3 * alone[1]) / 4)


def test_class_weights_multiply_its_own() -> None:
    """A class of weight 0 is as if it were not chosen, and doubling both sums of a class doubles its weight."""
    chosen = GeneralizedDice(classes=[0, 2], absent="skip")(LOGITS, TARGET)
    torch.testing.assert_close(GeneralizedDice(weight=[1.0, 0.0, 1.0])(LOGITS, TARGET), chosen)
    labels = F.one_hot(TARGET, 3).movedim(-1, 1)
    twice = GeneralizedDice(activation="sigmoid")(LOGITS[:, [0, 1, 1, 2]], labels[:, [0, 1, 1, 2]])
    torch.testing.assert_close(GeneralizedDice(activation="sigmoid", weight=[1.0, 2.0, 1.0])(LOGITS, labels), twice)


def test_a_mask_is_as_a_crop() -> None:
    mask = torch.zeros(2, 7, 5, dtype=torch.bool)
    mask[:, :4] = True
    for loss in (GeneralizedDice(), GeneralizedDice(per_image=True), GeneralizedDice(smooth=2.0)):
        torch.testing.assert_close(loss(LOGITS, TARGET, mask=mask), loss(LOGITS[:, :, :4], TARGET[:, :4]))


class TestAbsent:
    """Two labels: the first on 4 of 100 elements and found, the second nowhere."""

    labels = torch.zeros(1, 2, 100)
    labels[0, 0, :4] = 1
    logits = (200 * labels - 100).index_fill(1, torch.tensor(1), -4.6)
    false = 100 / (1 + 2.718281828**4.6)

    def test_a_class_that_is_not_there_does_not_outweigh_those_that_are(self) -> None:
        """Its false alarms count like those of the rarest class: 8 elements of that are right."""
        logits = self.logits.clone().requires_grad_()
        value = GeneralizedDice(activation="sigmoid")(logits, self.labels)
        assert value.item() == pytest.approx(self.false / (8 + self.false), rel=1e-3)
        value.backward()
        assert bool((logits.grad[:, 1] > 0).all())

    def test_skipped_it_costs_nothing(self) -> None:
        value = GeneralizedDice(activation="sigmoid", absent="skip")(self.logits, self.labels)
        assert value.item() == pytest.approx(0, abs=1e-6)

    def test_of_a_softmax_is_skipped(self) -> None:
        target = TARGET.clamp(max=1)
        skipped = GeneralizedDice(classes=[0, 1], absent="skip")(LOGITS, target)
        torch.testing.assert_close(GeneralizedDice()(LOGITS, target), skipped)

    @pytest.mark.parametrize(("absent", "cost"), [("skip", 0.0), ("area", 0.375), ("formula", 1.0), (None, 0.375)])
    def test_where_nothing_is_there_costs_what_its_name_says(self, absent, cost) -> None:
        """p of the labels is 1/2 and 1/4."""
        logits = torch.tensor([0.5, 0.25]).logit().view(1, 2, 1).expand(1, 2, 100)
        value = GeneralizedDice(activation="sigmoid", absent=absent)(logits, 0 * self.labels)
        assert value.item() == pytest.approx(cost, rel=1e-5)


def test_has_no_reduction_since_all_classes_share_one_cost() -> None:
    with pytest.raises(TypeError, match="reduction"):
        GeneralizedDice(reduction="sum")
