import pytest
import torch
from torch import nn
from torch.testing import assert_close

from piste.losses import AbsoluteError, CrossEntropy, Dice, Focal, SquaredError, Tversky
from piste.objective import Objective, Ramp, Sum, Watch, vary

PREDICTION = [1.0, 3.0]
"""Against zeros: the mean squared error is 5, the mean absolute error 2."""


def call(objective, prediction=PREDICTION, **more):
    logits = torch.tensor(prediction, requires_grad=True)
    total = objective(logits, torch.zeros(len(prediction)), **more)
    return total, logits


def reported(objective):
    return {name: (value.raw.item(), value.factor, value.weighted.item()) for name, value in objective.terms.items()}


def mistake(logits, target):
    return (logits - target).abs().max()


def test_a_sum_adds_each_loss_times_its_factor():
    objective = SquaredError() + 0.5 * AbsoluteError()
    total, logits = call(objective)
    assert_close(total, torch.tensor(6.0))
    total.backward()
    assert_close(logits.grad, torch.tensor([1.0 + 0.25, 3.0 + 0.25]))  # 2x / 2, and 0.5 * 1 / 2


def test_terms_tell_raw_factor_and_weighted_value_apart():
    objective = SquaredError() + 0.5 * AbsoluteError()
    call(objective)
    assert reported(objective) == {"squared_error": (5.0, 1.0, 5.0), "absolute_error": (2.0, 0.5, 1.0)}
    assert not any(value.raw.requires_grad or value.weighted.requires_grad for value in objective.terms.values())


@pytest.mark.parametrize(
    "objective",
    [
        SquaredError() + AbsoluteError() * 0.5 + SquaredError(),
        SquaredError() + (0.5 * AbsoluteError() + SquaredError()),
        (SquaredError() + 0.5 * AbsoluteError()) + (1 * SquaredError()),
        0.5 * (2.0 * SquaredError() + AbsoluteError() + 2 * SquaredError()),
        Sum(SquaredError(), 0.5 * AbsoluteError(), SquaredError()),
    ],
)
def test_sums_of_sums_and_factors_of_factors_are_flat(objective):
    total, _ = call(objective)
    assert_close(total, torch.tensor(11.0))
    assert list(objective.terms) == ["squared_error", "absolute_error", "squared_error_2"]
    assert repr(objective) == "Sum(SquaredError(), 0.5 * AbsoluteError(), SquaredError())"


def test_terms_can_be_named_and_the_others_make_room():
    objective = Sum(Dice(), Dice(smooth=1.0), dice=0.5 * Dice(), overlap=Watch(Dice()))
    assert [term.name for term in objective.phases[0].parts] == ["dice_2", "dice_3", "dice", "overlap"]
    assert repr(objective) == "Sum(Dice(), Dice(smooth=1.0), dice=0.5 * Dice(), overlap=Watch(Dice()))"


def test_a_name_outlives_a_factor_and_a_sum():
    objective = 2 * Sum(overlap=Dice()) + Dice()
    assert [(term.name, term.factor) for term in objective.parts] == [("overlap", 2.0), ("dice", 1.0)]


def test_a_name_for_a_sum_of_several_is_refused():
    with pytest.raises(ValueError, match="`both` names a single term; got a sum of 2"):
        Sum(both=Dice() + Dice())


def test_a_name_twice_is_refused():
    with pytest.raises(ValueError, match="names of terms must differ; 2 are called 'a'"):
        Sum(a=Dice()) + Sum(a=Dice())


def test_any_function_or_module_is_a_term():
    objective = Sum(mistake, nn.L1Loss(), lambda logits, target: logits.sum())
    total, _ = call(objective)
    assert_close(total, torch.tensor(3.0 + 2.0 + 4.0))
    assert list(objective.terms) == ["mistake", "l1_loss", "loss"]


def test_mask_and_sample_weight_reach_every_term():
    objective = SquaredError() + AbsoluteError()
    total, logits = call(objective, mask=torch.tensor([True, False]))
    assert_close(total, torch.tensor(1.0 + 1.0))
    total.backward()
    assert logits.grad[1] == 0
    total, _ = call(objective, sample_weight=torch.tensor([0.0, 1.0]))
    assert_close(total, torch.tensor(9.0 + 3.0))


def test_a_mask_that_a_term_would_not_see_is_refused():
    with pytest.raises(ValueError, match="`mask` was given, but the term `mistake` takes none"):
        call(SquaredError() + Sum(mistake), mask=torch.tensor([True, False]))


@pytest.mark.parametrize("returned", [torch.ones(2), 1.0, None])
def test_a_term_that_is_not_one_number_is_refused(returned):
    with pytest.raises(ValueError, match="the term `loss` must return a 0-d tensor; got"):
        call(Sum(lambda logits, target: returned))


def test_a_loss_that_does_not_reduce_is_refused():
    with pytest.raises(ValueError, match='`reduction` of a term must be "mean" or "sum"'):
        Dice() + Dice(reduction="none")


@pytest.mark.parametrize(
    "factor", [-1.0, float("nan"), float("inf"), 0.0, 0, Ramp(-0.1, 1.0, epochs=2), Ramp(0, 0, epochs=2)]
)
def test_a_factor_under_which_a_loss_does_not_count_is_refused(factor):
    with pytest.raises(ValueError, match="factor"):
        factor * Dice()


def test_what_is_no_loss_is_refused():
    for nothing in ("dice", 3, None):
        with pytest.raises(ValueError, match="an objective is made of losses"):
            Sum(nothing)
    with pytest.raises(TypeError):
        Dice() * "2"
    with pytest.raises(TypeError):
        (Dice() + Dice()) * "2"
    with pytest.raises(ValueError, match="needs a loss or a phase"):
        Objective()


def test_a_factor_ramps_from_epoch_to_epoch():
    objective = SquaredError() + Ramp(0.0, 1.0, epochs=3) * AbsoluteError()
    totals = []
    for _ in range(4):
        totals.append(call(objective)[0].item())
        assert objective.end_epoch() == []
    assert totals == [5.0, 6.0, 7.0, 7.0]
    assert objective.terms["absolute_error"].factor == 1.0
    assert objective.phase.epoch_in_phase == 4


def test_a_term_whose_factor_stands_at_zero_cannot_poison_the_others():
    objective = SquaredError() + Ramp(0.0, 1.0, epochs=3) * Sum(lambda logits, target: logits.sum() / 0)
    assert_close(call(objective)[0], torch.tensor(5.0))
    objective.end_epoch()
    assert call(objective)[0] == float("inf")


def test_where_every_factor_stands_at_zero_the_total_is_zero_with_a_gradient_path():
    total, logits = call(Ramp(0.0, 1.0, epochs=3) * SquaredError())
    total.backward()
    assert total == 0
    assert_close(logits.grad, torch.zeros(2))


def test_a_watched_loss_is_reported_and_neither_added_nor_differentiated():
    grad_modes = []

    def watched(logits, target):
        grad_modes.append(torch.is_grad_enabled())
        return 100 * logits.sum()

    objective = SquaredError() + Watch(watched)
    total, logits = call(objective)
    assert_close(total, torch.tensor(5.0))
    total.backward()
    assert_close(logits.grad, torch.tensor([1.0, 3.0]))
    assert reported(objective) == {"squared_error": (5.0, 1.0, 5.0), "watched": (400.0, 0.0, 0.0)}
    assert grad_modes == [False]
    assert torch.is_grad_enabled()


def test_a_watched_loss_that_switches_gradients_on_still_leaks_none():
    @torch.enable_grad()
    def careless(logits, target):
        return logits.sum()

    objective = SquaredError() + Watch(careless)
    call(objective)
    assert not objective.terms["careless"].raw.requires_grad


def test_a_watched_nan_does_not_reach_training():
    objective = Watch(lambda logits, target: logits.sum() * float("nan"), name="broken") + SquaredError()
    total, logits = call(objective)
    total.backward()
    assert_close(total, torch.tensor(5.0))
    assert torch.isfinite(logits.grad).all()
    assert objective.terms["broken"].raw.isnan()
    assert objective.terms["broken"].weighted == 0


def test_a_watched_loss_keeps_its_name_and_moves():
    moving = vary(Tversky(alpha=0.5), beta=Ramp(0.6, 0.9, epochs=4))
    objective = Dice() + Watch(moving) + Watch(Sum(overlap=Dice()))
    objective(torch.zeros(1, 2, 3), torch.zeros(1, 3, dtype=torch.long))
    assert list(objective.terms) == ["dice", "tversky", "overlap"]
    assert objective.parts[1].loss.beta == 0.6


def test_a_watched_loss_has_no_factor_and_is_not_enough():
    with pytest.raises(ValueError, match="a watched term has no factor"):
        Ramp(0.0, 1.0, epochs=2) * Watch(Dice())
    with pytest.raises(ValueError, match="a watched term has no factor"):
        2 * (Dice() + Watch(Dice()))
    with pytest.raises(TypeError):
        2 * Watch(Dice())
    with pytest.raises(ValueError, match="nothing is optimised where every loss is only watched"):
        Objective(Watch(Dice()))
    with pytest.raises(ValueError, match="must be one loss"):
        Watch(Dice() + Dice())


def test_weights_of_losses_move_with_the_objective():
    objective = CrossEntropy(weight=[1.0, 2.0]) + Watch(CrossEntropy(weight=[3.0, 4.0]))
    assert {buffer.dtype for buffer in objective.to(torch.float64).buffers()} == {torch.float64}
    assert len(list(objective.buffers())) == 2


def test_vary_moves_a_keyword_from_epoch_to_epoch():
    # one pixel at p = 1/2: focal is (1/2)^gamma ln 2
    objective = vary(Focal(gamma=7.0), gamma=Ramp(0.0, 2.0, epochs=3))
    values = []
    for _ in range(4):
        values.append(objective(torch.zeros(1, 2, 1), torch.zeros(1, 1, dtype=torch.long)))
        objective.end_epoch()
    assert_close(torch.stack(values), 0.5 ** torch.tensor([0.0, 1.0, 2.0, 2.0]) * torch.log(torch.tensor(2.0)))


def test_vary_leaves_the_loss_that_came_alone():
    loss = Tversky(alpha=0.5, beta=0.5)
    objective = loss + 0.5 * vary(loss, beta=Ramp(0.6, 0.9, epochs=4))
    objective(torch.zeros(1, 2, 3), torch.zeros(1, 3, dtype=torch.long))
    assert loss.beta == 0.5
    assert [term.loss.beta for term in objective.parts] == [0.5, 0.6]


def test_vary_moves_attributes_of_any_module():
    class Power(nn.Module):
        def __init__(self, exponent):
            super().__init__()
            self.exponent = exponent

        def forward(self, logits, target):
            return (logits**self.exponent).sum()

    objective = vary(Power(1), exponent=Ramp(1, 2, epochs=2))
    assert call(objective)[0] == 4
    objective.end_epoch()
    assert call(objective)[0] == 10


@pytest.mark.parametrize(
    ("loss", "ramps", "message"),
    [
        (Focal(), {}, "vary needs a ramp"),
        (mistake, {"gamma": Ramp(0, 1, epochs=2)}, "`loss` must be a module"),
        (Focal(), {"gama": Ramp(0, 1, epochs=2)}, "Focal has no keyword 'gama' that could move; nearest: gamma"),
        (Focal(), {"gamma": 2.0}, "`gamma` must move along a Ramp; got 2.0"),
        (Focal(), {"gamma": Ramp(1, -1, epochs=2)}, "`gamma`.* >= 0; got -1"),
        (Focal(), {"gamma": Ramp(-1, 1, epochs=2)}, "`gamma`.* >= 0; got -1"),
        (Dice(), {"per_image": Ramp(0, 1, epochs=2)}, "`per_image` of Dice is False; only a number can move"),
        (CrossEntropy(), {"activation": Ramp(0, 1, epochs=2)}, "only a number can move"),
        (nn.L1Loss(), {"beta": Ramp(0, 1, epochs=2)}, "L1Loss has no keyword 'beta'"),
    ],
)
def test_vary_refuses_what_cannot_move(loss, ramps, message):
    with pytest.raises(ValueError, match=message):
        vary(loss, **ramps)
