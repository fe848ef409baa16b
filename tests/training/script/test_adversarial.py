"""Adversarial losses as scripts have them: what both players pay, and the slopes of it, from code without us."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from piste.losses import GradientPenalty, catalogue
from piste.losses.adversarial.base import AdversarialLoss
from piste.tasks.base import Scripted
from piste.training.script.adversarial import of_discriminator, of_model, of_slopes
from piste.training.script.losses import Losses

GAMES = [
    (name, keywords)
    for name, spec in catalogue().items()
    if issubclass(spec.cls, AdversarialLoss)
    for keywords in ({}, *spec.variants)
]


def losses(axes: int) -> Losses:
    return Losses(Scripted((), (), (), ("made", "real"), "len(made)", (), axes=axes))


def names(of: Losses) -> dict[str, Any]:
    """The names that the code defines."""
    found: dict[str, Any] = {"torch": torch, "F": F, "Tensor": Tensor, "nn": nn}
    code = "\n\n\n".join(of.functions.values())
    assert "self" not in code
    exec(code, found)
    return found


def slope(value: Tensor, *scores: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(value, scores))


@pytest.mark.parametrize(("name", "keywords"), GAMES, ids=str)
def test_both_players_pay_what_they_pay_in_ours(name: str, keywords: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(5)
    real, fake = (3 * torch.randn(n, 2, 3, generator=generator).requires_grad_() for n in (7, 5))
    loss = catalogue()[name].cls(**keywords)
    written = losses(axes=2)
    of_both, of_one = of_discriminator(written, loss, {}), of_model(written, loss, {}, "scores")
    known = names(written) | {"scores_of_real": real, "scores_of_fake": fake, "scores": fake}
    for code, ours, scores in (
        (of_both, loss.discriminator(real, fake), (real, fake)),
        (of_one, loss.generator(fake), (fake,)),
    ):
        value = eval(code, known)
        torch.testing.assert_close(value, ours)
        torch.testing.assert_close(slope(value, *scores), slope(ours, *scores))


def test_a_keyword_that_moves_is_asked_for_where_it_is_read() -> None:
    written, loss = losses(axes=0), catalogue()["least_squares"].cls()
    assert (
        of_discriminator(written, loss, {"c": "0.5"}) == "least_squares_discriminator(scores_of_real, scores_of_fake)"
    )
    call = of_model(written, loss, {"c": "0.5"}, "scores")
    value = eval(call, names(written) | {"scores": torch.tensor([2.0, 0.5])})
    assert value.item() == pytest.approx(1.5**2 / 2 / 2)
    call = of_discriminator(written, loss, {"a": "-2.0"})
    value = eval(call, names(written) | {"scores_of_real": torch.ones(2), "scores_of_fake": torch.tensor([-1.0])})
    assert value.item() == pytest.approx(0.5)


def test_losses_of_one_kind_with_other_settings_are_functions_of_their_own() -> None:
    written, kind = losses(axes=0), catalogue()["least_squares"].cls
    calls = [of_model(written, kind(c=c), {}, "scores") for c in (1.0, 0.0, 1.0)]
    assert calls == ["least_squares_model(scores)", "least_squares_model_2(scores)", "least_squares_model(scores)"]


@pytest.mark.parametrize(("weight", "center", "shape"), [(10.0, 1.0, (3, 4, 6)), (0.5, 0.0, (2,)), (1.0, 0.25, (2,))])
def test_a_gradient_penalty_is_ours(weight: float, center: float, shape: tuple[int, ...]) -> None:
    torch.manual_seed(2)
    critic = nn.Sequential(nn.Flatten(), nn.Linear(int(torch.tensor(shape).prod()), 8), nn.Tanh(), nn.Linear(8, 1))
    real, fake = torch.randn(5, *shape), torch.randn(5, *shape)
    fake[0] = real[0]
    loss, written = GradientPenalty(weight=weight, center=center), losses(axes=len(shape) - 1)
    call = of_slopes(written, loss, {})
    torch.manual_seed(3)
    value = eval(call, names(written) | {"discriminator": critic, "real": real, "fake": fake})
    torch.manual_seed(3)
    ours = loss(critic, real, fake)
    torch.testing.assert_close(value, ours)
    weights = [critic[1].weight, critic[3].weight]
    torch.testing.assert_close(slope(value, *weights), slope(ours, *weights))
    told = next(iter(written.functions.values()))
    assert f"rise with slope {center:g}" in told


def test_a_game_of_ones_own_is_refused() -> None:
    class Own(AdversarialLoss):
        """A game in a file of its own."""

        def cost_of_real(self, score: Tensor) -> Tensor:
            return -score.mean()

        def cost_of_fake(self, score: Tensor) -> Tensor:
            return score.mean()

        def cost_of_failure(self, score: Tensor) -> Tensor:
            return -score.mean()

    with pytest.raises(ValueError, match="a script can't hold a custom loss"):
        of_model(losses(axes=0), Own(), {}, "scores")


def test_a_gradient_penalty_of_a_flat_critic_has_a_finite_slope() -> None:
    written = losses(axes=0)
    call = of_slopes(written, GradientPenalty(), {})
    critic = nn.Linear(2, 1)
    nn.init.zeros_(critic.weight)
    value = eval(call, names(written) | {"discriminator": critic, "real": torch.ones(3, 2), "fake": torch.zeros(3, 2)})
    assert value.item() == 10.0
    assert slope(value, critic.weight)[0].isfinite().all()
