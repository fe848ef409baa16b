import pytest
import torch
from torch.testing import assert_close

from piste.losses import (
    AbsoluteError,
    Dice,
    GradientPenalty,
    Hinge,
    LeastSquares,
    Minimax,
    SquaredError,
    Wasserstein,
)
from piste.objective import Objective, Phase, Ramp, RelativeWeighting, Sequence, Sum, Watch, vary
from piste.objective.recipe import build, resolve

REAL = torch.tensor([[1.0, 0.0], [3.0, 0.0], [2.0, 0.0]])
FAKE = torch.tensor([[0.0, 4.0], [0.0, -2.0], [0.0, 1.0]])


def critic(points):
    """A plane of slope 5: real scores 3, 9, 6 and fake ones 16, -8, 4."""
    return points @ torch.tensor([3.0, 4.0])


def target_of(fake, **beside):
    return {"labels": REAL, "fake_scores": critic(fake), **beside}


def test_each_player_pays_its_own_part_of_a_game():
    objective = Objective(Wasserstein())
    assert objective(FAKE, target_of(FAKE)).item() == -4.0  # minus the mean of 16, -8 and 4
    assert objective.for_discriminator(critic, REAL, FAKE).item() == -2.0  # the mean of these less that of 3, 9, 6
    assert objective.terms["wasserstein"].raw.item() == -4.0
    assert objective.discriminator_terms["wasserstein"].raw.item() == -2.0


def test_an_ordinary_loss_is_the_models_and_a_penalty_the_discriminators():
    objective = AbsoluteError() + Wasserstein() + GradientPenalty(weight=0.5)
    absolute = (REAL - FAKE).abs().mean().item()
    assert_close(objective(FAKE, target_of(FAKE)).item(), absolute - 4.0)
    assert list(objective.terms) == ["absolute_error", "wasserstein"]
    assert_close(objective.for_discriminator(critic, REAL, FAKE).item(), -2.0 + 0.5 * (5 - 1) ** 2)
    assert list(objective.discriminator_terms) == ["wasserstein", "gradient_penalty"]


def test_a_factor_prices_a_game_for_the_model_and_a_penalty_for_the_discriminator():
    objective = 0.25 * Wasserstein() + 2 * GradientPenalty(weight=0.5)
    assert objective(FAKE, target_of(FAKE)).item() == -1.0
    assert_close(objective.for_discriminator(critic, REAL, FAKE).item(), -2.0 + 16.0)
    assert objective.terms["wasserstein"].factor == 0.25
    assert {name: term.factor for name, term in objective.discriminator_terms.items()} == {
        "wasserstein": 1.0,
        "gradient_penalty": 2.0,
    }


def test_the_discriminator_learns_while_the_ramp_of_a_game_stands_at_0():
    objective = Sum(AbsoluteError(), Ramp(0.0, 1.0, epochs=2) * Wasserstein())
    fake = FAKE.clone().requires_grad_()
    loss = objective(fake, target_of(fake))
    assert objective.terms["wasserstein"].weighted == 0
    loss.backward()
    assert fake.grad.abs().max() <= 1 / 6  # of the absolute error alone
    assert objective.for_discriminator(critic, REAL, FAKE).item() == -2.0


def test_no_gradient_of_the_discriminators_loss_reaches_the_model():
    fake, slope = FAKE.clone().requires_grad_(), torch.ones(2, requires_grad=True)
    objective = Hinge() + GradientPenalty()
    objective.for_discriminator(lambda points: points @ slope, REAL, fake).backward()
    assert fake.grad is None
    assert slope.grad.abs().sum() > 0


def test_phases_switch_the_game_of_both_players():
    objective = Sequence(Phase(AbsoluteError(), epochs=1), Phase(Minimax(), epochs=1), Phase(LeastSquares()))
    assert not objective.adversarial
    objective.end_epoch()
    assert objective.adversarial
    objective.for_discriminator(critic, REAL, FAKE)
    assert list(objective.discriminator_terms) == ["minimax"]
    objective.end_epoch()
    expected = ((2**2 + 8**2 + 5**2) + (16**2 + 8**2 + 4**2)) / 3 / 2
    assert_close(objective.for_discriminator(critic, REAL, FAKE).item(), expected)
    assert_close(objective(FAKE, target_of(FAKE)).item(), (15**2 + 9**2 + 3**2) / 3 / 2)


def test_a_keyword_that_moves_moves_for_both_players():
    objective = Objective(vary(LeastSquares(b=1.0, c=1.0), b=Ramp(1.0, 3.0, epochs=2)))
    first = objective.for_discriminator(critic, REAL, FAKE).item()
    objective.end_epoch()
    second = objective.for_discriminator(critic, REAL, FAKE).item()
    real = [3.0, 9.0, 6.0]
    assert_close(second - first, sum((s - 3) ** 2 - (s - 1) ** 2 for s in real) / 6)


def test_what_is_watched_is_shown_to_both_and_paid_by_none():
    objective = Sum(Wasserstein(), Watch(LeastSquares()), Watch(GradientPenalty()))
    slope = torch.tensor([3.0, 4.0], requires_grad=True)
    assert objective(FAKE, target_of(FAKE)).item() == -4.0
    assert objective.terms["least_squares"].raw.item() == 52.5
    loss = objective.for_discriminator(lambda points: points @ slope, REAL, FAKE)
    assert loss.item() == -2.0
    assert_close(objective.discriminator_terms["gradient_penalty"].raw.item(), 160.0)
    assert objective.discriminator_terms["gradient_penalty"].weighted == 0


def test_weightings_weigh_what_the_model_pays():
    objective = RelativeWeighting(SquaredError(), Wasserstein(), GradientPenalty())
    assert_close(objective(FAKE, target_of(FAKE)).item(), 1.0 - 1.0)  # each over its own size
    with pytest.raises(ValueError, match="two losses or more"):
        RelativeWeighting(Wasserstein(), GradientPenalty())


def test_a_penalty_needs_a_game():
    with pytest.raises(ValueError, match="`gradient_penalty` is what the discriminator pays, and nothing sets it"):
        Objective(AbsoluteError() + GradientPenalty())(FAKE, REAL)


def test_a_watched_game_needs_one_that_is_played():
    with pytest.raises(ValueError, match="`hinge` is only watched, and reads the scores of a discriminator"):
        Objective(AbsoluteError() + Watch(Hinge()))(FAKE, target_of(FAKE))


def test_a_game_needs_scores_and_takes_no_mask():
    with pytest.raises(ValueError, match=r"`target` must have 'fake_scores' for the term `hinge`"):
        Objective(Hinge())(FAKE, {"labels": REAL})
    with pytest.raises(ValueError, match="the term `hinge` takes none"):
        Objective(Hinge())(FAKE, target_of(FAKE), mask=torch.ones(3, 2, dtype=torch.bool))


def resolved(section, task="restoration"):
    return resolve(section, task=task, activation="sigmoid", class_names=[])


def test_a_recipe_names_games_like_any_loss():
    section = {"sum": ["absolute_error", {"hinge": {}, "scale": 0.01}, {"gradient_penalty": {"weight": 0.5}}]}
    objective = build(resolved(section), activation="sigmoid")
    absolute = (REAL - FAKE).abs().mean().item()
    assert_close(objective(FAKE, target_of(FAKE)).item(), absolute - 0.04)
    hinge = 0.0 + (17 + 0 + 5) / 3
    assert_close(objective.for_discriminator(critic, REAL, FAKE).item(), hinge + 8.0)


def test_what_a_penalty_counts_moves_like_any_number():
    penalty = {"gradient_penalty": {"weight": {"ramp": {"from": 1.0, "to": 3.0, "epochs": 3}}}}
    objective = build(resolved({"sum": ["wasserstein", penalty]}), activation="sigmoid")
    for weight in (1, 2, 3, 3):
        objective.for_discriminator(critic, REAL, FAKE)
        assert_close(objective.discriminator_terms["gradient_penalty"].raw.item(), weight * (5.0 - 1) ** 2)
        objective.end_epoch({})


@pytest.mark.parametrize(
    ("section", "task", "message"),
    [
        ({"sum": ["absolute_error", "gradient_penalty"]}, "restoration", "loss.sum: `gradient_penalty` is what the"),
        ("gradient_penalty", "generation", "loss: `gradient_penalty` is what the discriminator pays"),
        ({"sum": ["ssim", {"watch": "hinge"}]}, "restoration", "loss.sum: `hinge` is only watched"),
        ("hinge", "segmentation", "loss: `hinge` does not suit segmentation"),
        ({"hinge": {"weight": "inverse"}}, "generation", "`hinge` has no keyword 'weight'"),
    ],
)
def test_a_recipe_that_cannot_be_played_is_refused(section, task, message):
    with pytest.raises(ValueError, match=r"^loss") as refusal:
        resolved(section, task)
    assert message in str(refusal.value)


def test_an_objective_without_a_game_has_nothing_for_a_discriminator():
    objective = Objective(Dice())
    assert not objective.adversarial
    assert objective.for_discriminator(critic, REAL, FAKE) == 0


def test_a_penalty_looks_between_real_and_fake():
    objective = Wasserstein() + GradientPenalty(weight=2.0)
    torch.manual_seed(5)
    objective.for_discriminator(lambda x: x.square().sum(1), torch.tensor([[4.0]]), torch.tensor([[0.0]]))
    torch.manual_seed(5)
    mixed = 4 * torch.rand(1).item()
    assert_close(objective.discriminator_terms["gradient_penalty"].raw.item(), 2 * (2 * mixed - 1) ** 2)
