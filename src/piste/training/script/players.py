"""Who pays what where a discriminator is trained against the model."""

from collections.abc import Mapping, Sequence

from piste.losses.adversarial.base import AdversarialLoss
from piste.losses.adversarial.gradient_penalty import GradientPenalty
from piste.objective import Objective
from piste.objective.terms import Term
from piste.training.script.adversarial import SCORES_OF_FAKE, SCORES_OF_REAL, of_discriminator, of_model, of_slopes
from piste.training.script.phases import Player, Priced, call, factor, given


def plays_alone(objective: Objective) -> bool:
    """Whether the model has losses that no discriminator takes part in."""
    return any(term.game == "none" for phase in objective.order for term in phase.parts)


def players(priced: Priced, objective: Objective) -> Sequence[Player]:
    """The model and its discriminator."""
    plain, idle = call(priced), not all(phase.adversarial for phase in objective.order)

    def price_of_model(term: Term, moving: Mapping[str, str]) -> str:
        if isinstance(term.loss, AdversarialLoss):
            return of_model(priced[None], term.loss, moving, "scored")
        return plain(term, moving)

    def price_of_discriminator(term: Term, moving: Mapping[str, str]) -> str:
        if isinstance(term.loss, GradientPenalty):
            return of_slopes(priced[None], term.loss, moving)
        assert isinstance(term.loss, AdversarialLoss)
        return of_discriminator(priced[None], term.loss, moving)

    def whole(term: Term, ramps: dict[str, str]) -> str:
        """Of a game the discriminator pays all, whatever it counts among the model's losses."""
        return "1.0" if term.game == "both" and not term.watched else factor(term, ramps)

    return [
        Player(
            name="losses",
            phase="phase",
            takes=[*(given(priced) if plays_alone(objective) else []), "scored: Tensor" + " | None" * idle],
            told="What the model pays: each loss",
            pays=lambda phase: [term for term in phase.parts if term.game != "discriminator"],
            call=price_of_model,
            factor=factor,
        ),
        Player(
            name="discriminator_losses",
            phase="discriminator_phase",
            takes=["discriminator: nn.Module", "real: Tensor", "fake: Tensor"],
            told="What the discriminator pays: each loss",
            pays=lambda phase: [term for term in phase.parts if term.game != "none"],
            call=price_of_discriminator,
            factor=whole,
            before=[f"{SCORES_OF_REAL}, {SCORES_OF_FAKE} = discriminator(real), discriminator(fake)"],
        ),
    ]
