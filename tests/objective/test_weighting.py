"""Terms weighed by what they come to: a learned variance, or the running mean."""

import io
from math import exp, log

import pytest
import torch
from torch.testing import assert_close

from piste.losses import AbsoluteError, CrossEntropy, Dice, SquaredError
from piste.objective import Cycle, Objective, Phase, RelativeWeighting, Sum, UncertaintyWeighting, Watch
from piste.objective.recipe import build, resolve


def call(objective, error=3.0):
    """A squared error of 9 and an absolute error of 3."""
    prediction = torch.tensor([error], requires_grad=True)
    return objective(prediction, torch.zeros(1)), prediction


def weighted(objective):
    return {name: value.weighted.item() for name, value in objective.terms.items()}


class TestUncertainty:
    def test_it_starts_as_a_plain_sum(self) -> None:
        total, prediction = call(UncertaintyWeighting(SquaredError(), 0.5 * AbsoluteError()))
        assert_close(total.item(), 9 + 1.5)
        total.backward()
        assert_close(prediction.grad.item(), 2 * 3 + 0.5)

    def test_a_term_is_divided_by_its_variance_and_pays_for_half_its_logarithm(self) -> None:
        objective = UncertaintyWeighting(SquaredError(), AbsoluteError())
        (log_variance,) = objective.parameters()
        log_variance.data = torch.tensor([log(4.0), 0.0])
        total, _ = call(objective)
        assert total.item() == pytest.approx(9 / 4 + log(4) / 2 + 3)
        assert weighted(objective) == pytest.approx({"squared_error": 9 / 4 + log(4) / 2, "absolute_error": 3.0})
        assert objective.terms["squared_error"].factor.item() == pytest.approx(0.25)

    def test_training_finds_a_variance_of_twice_the_loss(self) -> None:
        objective = UncertaintyWeighting(SquaredError(), AbsoluteError())
        optimizer = torch.optim.SGD(objective.parameters(), lr=0.5)
        for _ in range(200):
            optimizer.zero_grad()
            call(objective)[0].backward()
            optimizer.step()
        (log_variance,) = objective.parameters()
        assert_close(log_variance.exp(), torch.tensor([18.0, 6.0]))

    def test_what_it_learned_is_saved(self) -> None:
        objective, other = (UncertaintyWeighting(SquaredError(), AbsoluteError()) for _ in range(2))
        next(objective.parameters()).data = torch.tensor([1.0, -1.0])
        file = io.BytesIO()
        torch.save(objective.state_dict(), file)
        file.seek(0)
        other.load_state_dict(torch.load(file, weights_only=True))
        assert call(other)[0].item() == pytest.approx(9 * exp(-1) + 0.5 + 3 * exp(1) - 0.5)


class TestRelative:
    def test_the_first_call_adds_one_for_each_term(self) -> None:
        total, prediction = call(RelativeWeighting(SquaredError(), AbsoluteError()))
        assert total.item() == pytest.approx(2.0)
        total.backward()
        assert prediction.grad.item() == pytest.approx(6 / 9 + 1 / 3)

    def test_a_term_s_own_factor_says_how_much_it_pulls(self) -> None:
        objective = RelativeWeighting(SquaredError(), 0.5 * AbsoluteError())
        assert call(objective)[0].item() == pytest.approx(1.5)
        assert objective.terms["absolute_error"].factor.item() == pytest.approx(0.5 / 3)

    def test_later_calls_divide_by_the_running_mean(self) -> None:
        objective = RelativeWeighting(SquaredError(), AbsoluteError(), momentum=0.5)
        for error in (3.0, 1.0):
            total, _ = call(objective, error)
        squared, absolute = (0.25 * 9 + 0.5 * 1) / 0.75, (0.25 * 3 + 0.5 * 1) / 0.75
        assert total.item() == pytest.approx(1 / squared + 1 / absolute)

    def test_a_call_without_gradients_moves_no_mean(self) -> None:
        objective = RelativeWeighting(SquaredError(), AbsoluteError(), momentum=0.5)
        with torch.no_grad():
            assert call(objective, 7.0)[0].item() == pytest.approx(2.0)
        call(objective)
        with torch.no_grad():
            before = call(objective, 6.0)[0].item()
            assert before == pytest.approx(36 / 9 + 6 / 3)
            assert call(objective, 6.0)[0].item() == before

    def test_a_term_near_nothing_is_divided_by_the_floor(self) -> None:
        objective = RelativeWeighting(SquaredError(), AbsoluteError(), floor=0.5)
        assert call(objective, 0.1)[0].item() == pytest.approx(0.01 / 0.5 + 0.1 / 0.5)
        assert call(objective, 0.0)[0].item() == 0.0

    def test_a_resumed_mean_goes_on(self) -> None:
        objective, other = (RelativeWeighting(SquaredError(), AbsoluteError()) for _ in range(2))
        call(objective)
        call(objective, 5.0)
        other.load_state_dict(objective.state_dict())
        assert call(other, 2.0)[0] == call(objective, 2.0)[0]

    @pytest.mark.parametrize(("settings", "said"), [({"momentum": 1.0}, "`momentum`"), ({"floor": 0.0}, "`floor`")])
    def test_a_setting_that_means_nothing_is_refused(self, settings, said) -> None:
        with pytest.raises(ValueError, match=said):
            RelativeWeighting(SquaredError(), AbsoluteError(), **settings)


@pytest.mark.parametrize("weighting", [UncertaintyWeighting, RelativeWeighting])
class TestBoth:
    def test_a_watched_term_is_not_weighed(self, weighting) -> None:
        objective = weighting(SquaredError(), AbsoluteError(), Watch(SquaredError(), name="seen"))
        total, _ = call(objective)
        value = objective.terms["seen"]
        assert (value.raw.item(), value.factor, value.weighted.item()) == (9.0, 0.0, 0.0)
        assert total.item() == pytest.approx(sum(weighted(objective).values()))

    def test_it_may_be_a_phase_and_take_turns(self, weighting) -> None:
        objective = Cycle(Phase(weighting(CrossEntropy(), Dice()), epochs=1), Phase(Dice(), epochs=1), times=2)
        assert [phase.name for phase in objective.order][:2] == ["cross_entropy + dice", "dice"]
        assert repr(objective).startswith(f"Cycle(Phase({weighting.__name__}(CrossEntropy(), Dice()), epochs=1), ")
        logits = torch.zeros(1, 2, 3, 3, requires_grad=True)
        objective(logits, torch.ones(1, 3, 3, dtype=torch.long)).backward()
        assert logits.grad.any()

    def test_it_is_no_part_of_a_sum(self, weighting) -> None:
        weighed = weighting(CrossEntropy(), Dice())
        for build_sum in (lambda: Sum(weighed, Dice()), lambda: Phase((weighed, Dice())), lambda: Watch(weighed)):
            with pytest.raises(ValueError, match="weighed losses cannot be part of a sum"):
                build_sum()

    def test_one_loss_has_nothing_to_be_weighed_against(self, weighting) -> None:
        with pytest.raises(ValueError, match=r"needs two losses or more, to weigh against each other; got \['dice'\]"):
            weighting(Dice(), Watch(CrossEntropy()))

    def test_objective_of_it_and_its_repr_are_itself(self, weighting) -> None:
        weighed = weighting(CrossEntropy(), overlap=0.5 * Dice())
        assert repr(weighed) == f"{weighting.__name__}(CrossEntropy(), overlap=0.5 * Dice())"
        assert Objective(weighed).order == weighed.order


@pytest.mark.parametrize(
    ("section", "shown"),
    [
        ("uncertainty", "UncertaintyWeighting(cross_entropy=CrossEntropy(), dice=0.5 * Dice())"),
        ("relative", "RelativeWeighting(cross_entropy=CrossEntropy(), dice=0.5 * Dice())"),
        (
            {"relative": {"momentum": "9e-1"}},
            "RelativeWeighting(cross_entropy=CrossEntropy(), dice=0.5 * Dice(), momentum=0.9)",
        ),
    ],
)
def test_a_recipe_names_the_weighting_of_a_sum(section, shown) -> None:
    loss = {"sum": ["cross_entropy", {"dice": {}, "scale": 0.5}], "weighting": section}
    for written in (loss, {"sequence": [{"loss": loss}]}):
        resolved = resolve(written, task="segmentation", activation="softmax", class_names=["a", "b"])
        assert resolve(resolved, task="segmentation", activation="softmax", class_names=["a", "b"]) == resolved
        (phase,) = build(resolved, activation="softmax").order
        assert repr(phase).startswith(f"Phase({shown}")


def test_a_target_given_by_name_is_handed_to_each_loss_as_it_reads_it() -> None:
    class Beside(torch.nn.Module):
        reads = ("height",)

        def forward(self, prediction, target):
            return (prediction * target["height"]).sum()

    objective = Sum(AbsoluteError(), Beside())
    prediction = torch.tensor([3.0])
    assert objective(prediction, {"labels": torch.zeros(1), "height": torch.tensor([10.0])}) == 33.0
    with pytest.raises(ValueError, match="`target` must have 'height' for the term `beside`; it has 'labels'"):
        objective(prediction, {"labels": torch.zeros(1)})
    with pytest.raises(ValueError, match="`target` must have 'labels' for the term `absolute_error`"):
        objective(prediction, {"height": torch.zeros(1)})
