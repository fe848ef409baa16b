"""Adversarial losses beside independent implementations."""

import pytest
import torch
from monai.losses import PatchAdversarialLoss
from torch.nn import functional as F

from piste.losses import Hinge, LeastSquares, Minimax, NonSaturating

from .conftest import example

REAL, FAKE = 3 * example(5, 1, 3, 4), 3 * example(7, 1, 2, 3, seed=6)


def monai_critic(criterion: str, **keywords) -> torch.Tensor:
    theirs = PatchAdversarialLoss(criterion=criterion, **keywords)
    return sum(theirs(scores, target_is_real=i == 0, for_discriminator=True) for i, scores in enumerate((REAL, FAKE)))


def monai_generator(criterion: str, **keywords) -> torch.Tensor:
    return PatchAdversarialLoss(criterion=criterion, **keywords)(FAKE, target_is_real=True, for_discriminator=False)


def test_minimax_and_non_saturating_are_torch_s_binary_cross_entropy(witness) -> None:
    ones, zeros = torch.ones_like, torch.zeros_like
    critic = F.binary_cross_entropy_with_logits(REAL, ones(REAL)) + F.binary_cross_entropy_with_logits(
        FAKE, zeros(FAKE)
    )
    for name, game in {"minimax": Minimax(), "non_saturating": NonSaturating()}.items():
        witness(name, "torch binary_cross_entropy_with_logits", game.discriminator(REAL, FAKE), critic)
    saturating = -F.binary_cross_entropy_with_logits(FAKE, zeros(FAKE))
    witness("minimax", "torch binary_cross_entropy_with_logits", Minimax().generator(FAKE), saturating)
    flipped = F.binary_cross_entropy_with_logits(FAKE, ones(FAKE))
    witness("non_saturating", "torch binary_cross_entropy_with_logits", NonSaturating().generator(FAKE), flipped)


def test_non_saturating_is_monai_s_bce(witness) -> None:
    peer = "MONAI PatchAdversarialLoss"
    witness("non_saturating", peer, NonSaturating().discriminator(REAL, FAKE), monai_critic("bce"))
    witness("non_saturating", peer, NonSaturating().generator(FAKE), monai_generator("bce"))


def test_least_squares_is_half_of_monai_s_without_its_activation(witness) -> None:
    """The paper halves, MONAI does not."""
    peer, bare = "MONAI PatchAdversarialLoss", {"no_activation_leastsq": True}
    critic, generator = LeastSquares().discriminator(REAL, FAKE), LeastSquares().generator(FAKE)
    witness("least_squares", peer, 2 * critic, monai_critic("least_squares", **bare))
    witness("least_squares", peer, 2 * generator, monai_generator("least_squares", **bare))


def test_hinge_is_monai_s_criterion_on_scores_without_its_tanh(witness) -> None:
    theirs = PatchAdversarialLoss(criterion="hinge")
    theirs.activation = None
    critic = sum(theirs(s, target_is_real=i == 0, for_discriminator=True) for i, s in enumerate((REAL, FAKE)))
    witness("hinge", "MONAI PatchAdversarialLoss", Hinge().discriminator(REAL, FAKE), critic)


def test_monai_is_wrong_about_the_hinge_s_margin() -> None:
    """Its tanh keeps scores below 1, so that a critic that is right by far still pays."""
    theirs = PatchAdversarialLoss(criterion="hinge")
    sure = torch.tensor([2.0])
    assert Hinge().discriminator(sure, -sure) == 0
    assert theirs(sure, True, True) == pytest.approx(1 - torch.tanh(sure).item())


def test_monai_is_wrong_about_the_hinge_s_generator() -> None:
    """The papers' generator minimises -f; MONAI's minimises max(0, 1 - tanh f), with no slope where it is found out."""
    lost = torch.tensor([-20.0], requires_grad=True)
    PatchAdversarialLoss(criterion="hinge")(lost, True, False).backward()
    assert lost.grad.item() == pytest.approx(0, abs=1e-6)
    lost.grad = None
    Hinge().generator(lost).backward()
    assert lost.grad.item() == -1


def test_monai_is_wrong_about_least_squares_of_low_scores() -> None:
    """By default it puts a leaky ReLU before the square: -4 is 16 from the label 0, not (0.05 * 4)^2."""
    low = torch.tensor([-4.0])
    assert 2 * LeastSquares().discriminator(torch.tensor([1.0]), low).item() == pytest.approx(16)
    theirs = PatchAdversarialLoss(criterion="least_squares")
    assert theirs(low, False, True).item() == pytest.approx(0.04)
