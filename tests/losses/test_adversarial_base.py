"""What all games of two players promise: who pays for what, and how a wrong use is answered."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses import Hinge, LeastSquares, Minimax, NonSaturating, Wasserstein

GAMES = [Minimax(), NonSaturating(), LeastSquares(), Wasserstein(), Hinge()]


@pytest.fixture(params=GAMES, ids=lambda game: type(game).__name__)
def game(request):
    return request.param


def test_a_call_is_refused_and_names_both_methods(game) -> None:
    with pytest.raises(ValueError, match=r"cannot be called: use \.discriminator\(real, fake\).*\.generator\(fake\)"):
        game(torch.zeros(2), torch.zeros(2))


def test_real_and_fake_scores_may_differ_in_number_and_shape(game) -> None:
    """Each side has a mean of its own: repeating the fake scores changes nothing, whatever shape they have."""
    real, fake = torch.tensor([0.3, -1.2]), torch.tensor([[0.7], [-0.4], [0.1]])
    torch.testing.assert_close(game.discriminator(real, fake), game.discriminator(real, fake.repeat(4, 5)))
    torch.testing.assert_close(game.generator(fake), game.generator(fake.repeat(4, 5)))


def test_the_players_pull_a_fake_score_in_opposite_directions_and_a_real_one_goes_up(game) -> None:
    real, fake = torch.tensor([0.1], requires_grad=True), torch.tensor([0.2], requires_grad=True)
    real_slope, fake_slope = torch.autograd.grad(game.discriminator(real, fake), (real, fake))
    (wished,) = torch.autograd.grad(game.generator(fake), fake)
    assert real_slope < 0 < fake_slope
    assert wished < 0


@pytest.mark.parametrize("name", ["real", "fake"])
def test_scores_of_the_one_side_that_are_no_numbers_are_refused_by_name(game, name) -> None:
    scores = {"real": torch.zeros(3), "fake": torch.zeros(3)} | {name: torch.ones(3, dtype=torch.bool)}
    with pytest.raises(ValueError, match=f"`{name}` must be raw scores of the critic, floating; got torch.bool"):
        game.discriminator(**scores)


def test_half_scores_beside_float32_ones_are_summed_in_float32(game) -> None:
    real = torch.full((100_000,), 3.0, dtype=torch.float16)
    value = game.discriminator(real, torch.zeros(2))
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, game.discriminator(real[:1].float(), torch.zeros(2)))


def test_no_score_at_all_costs_nothing(game) -> None:
    assert game.generator(torch.zeros(0, 1)) == 0


BY_HAND = {
    Minimax: (lambda s: -s.sigmoid().log(), lambda s: -(1 - s.sigmoid()).log(), lambda s: (1 - s.sigmoid()).log()),
    NonSaturating: (lambda s: -s.sigmoid().log(), lambda s: -(1 - s.sigmoid()).log(), lambda s: -s.sigmoid().log()),
    LeastSquares: (lambda s: (s - 1) ** 2 / 2, lambda s: s**2 / 2, lambda s: (s - 1) ** 2 / 2),
    Wasserstein: (lambda s: -s, lambda s: s, lambda s: -s),
    Hinge: (lambda s: F.relu(1 - s), lambda s: F.relu(1 + s), lambda s: -s),
}


def test_more_scores_than_fit_the_cache_cost_as_few_do(game) -> None:
    dice = torch.Generator().manual_seed(4)
    draws = [torch.randn(shape, generator=dice, dtype=torch.float64) for shape in ((3, 1, 307, 311), (7, 150_001))]
    ours, theirs = ([2 * draw.mT.clone().mT.requires_grad_() for draw in draws] for _ in range(2))
    of_real, of_fake, of_failure = BY_HAND[type(game)]
    for got, expected in (
        (game.discriminator(*ours), of_real(theirs[0]).mean() + of_fake(theirs[1]).mean()),
        (game.generator(ours[1]), of_failure(theirs[1]).mean()),
    ):
        torch.testing.assert_close(got, expected)
        slopes = [torch.autograd.grad(v, at, allow_unused=True) for v, at in ((got, ours), (expected, theirs))]
        torch.testing.assert_close(*slopes)
