"""Adversarial losses: two players, and the slope of a critic."""

from collections.abc import Callable, Iterator

import torch
from monai.losses import PatchAdversarialLoss
from torch import Tensor
from torch.nn import functional as F

from piste import losses
from piste.losses.adversarial.base import AdversarialLoss

from ..row import Entrant, Inputs, Row, Setting
from .labels import formula


def rows(quick: bool) -> Iterator[Row]:
    """The critic's and the generator's loss of each game, then the penalty."""
    bare = PatchAdversarialLoss(criterion="hinge")
    bare.activation = None
    monai = {
        losses.NonSaturating: (PatchAdversarialLoss(criterion="bce"), 1.0),
        losses.LeastSquares: (PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True), 0.5),
        losses.Hinge: (bare, 1.0),
    }
    for game in (losses.Minimax, losses.NonSaturating, losses.LeastSquares, losses.Wasserstein, losses.Hinge):
        loss = game()
        critic, generator = FORMULAS[game]
        theirs, factor = monai.get(game, (None, 1.0))
        peers = [formula(critic)]
        if theirs is not None:
            peers.append(Entrant("MONAI PatchAdversarialLoss", _critic(theirs), factor=factor))
        yield Row(loss, scores(quick, 2), BCE_OF_TWO, tuple(peers), call=loss.discriminator)
        peers = [formula(generator)]
        if theirs is not None and game is not losses.Hinge:  # whose generator is another
            peers.append(Entrant("MONAI PatchAdversarialLoss", _generator(theirs), factor=factor))
        yield Row(loss, scores(quick, 1), BCE_OF_ONE, tuple(peers), call=loss.generator, main=False)
    yield penalty(quick)


def bce(scores: Tensor, label: float) -> Tensor:
    """Torch's binary cross-entropy against one label."""
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, label))


BCE_OF_TWO = Entrant("torch binary_cross_entropy_with_logits", lambda real, fake: bce(real, 1) + bce(fake, 0))
BCE_OF_ONE = Entrant("torch binary_cross_entropy_with_logits", lambda fake: bce(fake, 1))
Game = tuple[Callable[..., Tensor], Callable[..., Tensor]]
FORMULAS: dict[type[AdversarialLoss], Game] = {
    losses.Minimax: (BCE_OF_TWO.call, lambda fake: -bce(fake, 0)),
    losses.NonSaturating: (BCE_OF_TWO.call, BCE_OF_ONE.call),
    losses.LeastSquares: (
        lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
        lambda fake: (fake - 1).square().mean() / 2,
    ),
    losses.Wasserstein: (lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean()),
    losses.Hinge: (lambda real, fake: (1 - real).relu().mean() + (1 + fake).relu().mean(), lambda fake: -fake.mean()),
}
"""What people write for the critic and for the generator."""


def scores(quick: bool, players: int) -> Setting:
    """Scores of a critic that looks at patches, of real and of fake images or of fake ones alone."""
    shape = (8, 1, 30, 30) if quick else (64, 1, 62, 62)

    def draw(dice: torch.Generator) -> Inputs:
        return Inputs(tuple(2 * torch.randn(shape, generator=dice) for _ in range(players)), ())

    return Setting(f"{'critic' if players == 2 else 'generator'}, {list(shape)}", draw)


def _critic(theirs: PatchAdversarialLoss) -> Callable[..., Tensor]:
    return lambda real, fake: theirs(real, True, True) + theirs(fake, False, True)


def _generator(theirs: PatchAdversarialLoss) -> Callable[..., Tensor]:
    return lambda fake: theirs(fake, True, False)


def penalty(quick: bool) -> Row:
    """The slope of a critic of two convolutions; its weights get the gradient."""
    loss = losses.GradientPenalty()
    shape = (2, 3, 32, 32) if quick else (16, 3, 64, 64)

    def draw(dice: torch.Generator) -> Inputs:
        weights = tuple(torch.randn(of, generator=dice) / 10 for of in ((32, 3, 4, 4), (1, 32, 4, 4)))
        images = (torch.randn(shape, generator=dice) for _ in range(2))
        return Inputs(weights, (*images, torch.rand(len(range(shape[0])), generator=dice)))

    def critic(first: Tensor, second: Tensor, images: Tensor) -> Tensor:
        seen = F.softplus(F.conv2d(images, first, stride=2))
        return F.conv2d(seen, second, stride=2).flatten(1).sum(1)

    def ours(first: Tensor, second: Tensor, real: Tensor, fake: Tensor, alpha: Tensor) -> Tensor:
        return loss(lambda images: critic(first, second, images), real, fake, alpha=alpha)

    def as_all_write_it(first: Tensor, second: Tensor, real: Tensor, fake: Tensor, alpha: Tensor) -> Tensor:
        share = alpha.view(-1, 1, 1, 1)
        mixed = (share * real + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(critic(first, second, mixed).sum(), mixed, create_graph=True)
        return 10 * ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()

    native = Entrant("the critic alone", lambda first, second, real, *_: critic(first, second, real).mean())
    return Row(loss, Setting(f"critic, {list(shape)}", draw), native, (formula(as_all_write_it),), call=ours)
