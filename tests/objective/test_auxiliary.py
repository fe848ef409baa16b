"""Auxiliary predictions: what they add is the whole objective times a factor, and one term holds it."""

import pytest
import torch
from torch import Tensor

from piste.losses import BinaryCrossEntropy, CrossEntropy, Dice, Focal, Hinge
from piste.losses.boundaries.boundary import Boundary
from piste.objective import (
    Objective,
    Phase,
    Ramp,
    RelativeWeighting,
    Sequence,
    Sum,
    UncertaintyWeighting,
    Watch,
    vary,
)
from piste.objective.terms import Term


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), requires_grad=True)


def outputs() -> tuple[Tensor, list[tuple[float, Tensor]], Tensor]:
    target = torch.randint(0, 3, (2, 7, 5), generator=torch.Generator().manual_seed(9))
    return drawn(2, 3, 7, 5), [(0.4, drawn(2, 3, 7, 5, seed=1)), (0.2, drawn(2, 3, 7, 5, seed=2))], target


def test_the_total_is_the_main_loss_and_each_auxiliary_one_times_its_factor() -> None:
    main, auxiliary, target = outputs()
    objective = Objective(CrossEntropy() + 0.5 * Dice())
    total = objective(main, target, auxiliary=auxiliary)

    def by_hand(logits: Tensor) -> Tensor:
        return CrossEntropy()(logits, target) + 0.5 * Dice()(logits, target)

    extra = 0.4 * by_hand(auxiliary[0][1]) + 0.2 * by_hand(auxiliary[1][1])
    torch.testing.assert_close(total, by_hand(main) + extra)
    term = objective.terms["auxiliary"]
    torch.testing.assert_close(term.weighted, extra.detach())
    torch.testing.assert_close(term.raw, extra.detach() / 0.6)
    assert term.factor == pytest.approx(0.6)
    torch.testing.assert_close(sum(each.weighted for each in objective.terms.values()), total.detach())
    torch.testing.assert_close(objective.terms["dice"].raw, Dice()(main, target).detach())


def test_each_prediction_is_pulled_by_its_factor() -> None:
    main, auxiliary, target = outputs()
    Objective(CrossEntropy())(main, target, auxiliary=auxiliary).backward()
    for factor, each in [(1.0, main), *auxiliary]:
        alone = each.detach().clone().requires_grad_()
        (factor * CrossEntropy()(alone, target)).backward()
        torch.testing.assert_close(each.grad, alone.grad)


def test_phases_ramps_and_moving_settings_hold_for_all_outputs() -> None:
    main, auxiliary, target = outputs()
    first = CrossEntropy() + Ramp(0.0, 1.0, epochs=2) * Dice()
    second = vary(Focal(gamma=1.0), gamma=Ramp(1.0, 3.0, epochs=2))
    objective = Sequence(Phase(first, epochs=2), Phase(second))
    for expected in (
        lambda logits: CrossEntropy()(logits, target),
        lambda logits: CrossEntropy()(logits, target) + Dice()(logits, target),
        lambda logits: Focal(gamma=1.0)(logits, target),
        lambda logits: Focal(gamma=3.0)(logits, target),
    ):
        total = objective(main, target, auxiliary=auxiliary)
        torch.testing.assert_close(total, expected(main) + sum(w * expected(each) for w, each in auxiliary))
        objective.end_epoch()


def test_masks_and_what_stands_beside_the_labels_are_the_main_ones() -> None:
    labels = (torch.rand(2, 2, 7, 5, generator=torch.Generator().manual_seed(3)) > 0.5).float()
    mask = torch.rand(2, 1, 7, 5, generator=torch.Generator().manual_seed(4)) > 0.3
    distance = torch.randn(2, 2, 7, 5, generator=torch.Generator().manual_seed(5))
    main, other = drawn(2, 2, 7, 5), drawn(2, 2, 7, 5, seed=1)
    losses = BinaryCrossEntropy(), Boundary(activation="sigmoid")
    asked = {"labels": labels, "distance": distance}
    total = Sum(*losses)(main, asked, mask=mask, auxiliary=[(0.3, other)])
    expected = [losses[0](x, labels, mask=mask) + losses[1](x, asked, mask=mask) for x in (main, other)]
    torch.testing.assert_close(total, expected[0] + 0.3 * expected[1])


def test_what_is_watched_is_watched_once() -> None:
    main, auxiliary, target = outputs()
    objective = Objective(CrossEntropy() + Watch(Dice()))
    objective(main, target, auxiliary=auxiliary)
    extra = sum(w * CrossEntropy()(each, target) for w, each in auxiliary)
    torch.testing.assert_close(objective.terms["auxiliary"].weighted, extra.detach())
    torch.testing.assert_close(objective.terms["dice"].raw, Dice()(main, target).detach())


def test_the_discriminator_judges_the_main_output_alone() -> None:
    main, auxiliary, target = outputs()
    objective = Objective(Sum(CrossEntropy(), Hinge()))
    asked = {"labels": target, "fake_scores": torch.tensor([0.5, 2.0])}
    total = objective(main, asked, auxiliary=auxiliary)
    expected = [CrossEntropy()(each, target) for each in (main, *(each for _, each in auxiliary))]
    played = Hinge().generator(asked["fake_scores"])
    torch.testing.assert_close(total, expected[0] + played + 0.4 * expected[1] + 0.2 * expected[2])


@pytest.mark.parametrize("weigh", [RelativeWeighting, UncertaintyWeighting])
def test_auxiliary_outputs_are_weighed_as_the_main_one_is_and_do_not_move_the_weights(weigh: type) -> None:
    main, auxiliary, target = outputs()
    objective, alone = weigh(CrossEntropy(), Dice()), weigh(CrossEntropy(), Dice())
    for _ in range(2):
        total, without = objective(main, target, auxiliary=auxiliary), alone(main, target)
        factors = [objective.terms[name].factor for name in ("cross_entropy", "dice")]
        extra = sum(
            w * (factors[0] * CrossEntropy()(each, target) + factors[1] * Dice()(each, target)) for w, each in auxiliary
        )
        torch.testing.assert_close(total, without + extra)
    mine, theirs = objective.state_dict(), alone.state_dict()
    tensors = [name for name in mine if isinstance(mine[name], Tensor)]
    assert tensors
    assert all(torch.equal(mine[name], theirs[name]) for name in tensors)


def test_predictions_by_part_may_be_auxiliary() -> None:
    main, auxiliary, target = outputs()
    loss = CrossEntropy()
    parted = [(w, {"mask": each}) for w, each in auxiliary]
    total = Objective(Term(loss, part="mask"))({"mask": main}, {"mask": target}, auxiliary=parted)
    torch.testing.assert_close(total, Objective(loss)(main, target, auxiliary=auxiliary))


def test_where_every_ramp_stands_at_0_they_add_nothing() -> None:
    main, auxiliary, target = outputs()
    objective = Objective(Ramp(0.0, 1.0, epochs=5) * Dice())
    assert objective(main, target, auxiliary=auxiliary) == 0
    assert objective.terms["auxiliary"].raw == 0


def test_none_changes_nothing_and_their_name_is_taken() -> None:
    main, auxiliary, target = outputs()
    objective = Sum(auxiliary=Dice())
    objective(main, target)
    assert list(objective.terms) == ["auxiliary"]
    with pytest.raises(ValueError, match="must not be called 'auxiliary'"):
        objective(main, target, auxiliary=auxiliary)
