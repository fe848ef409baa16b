"""Objective: losses over time, called like a loss and moved on at the end of each epoch."""

from collections.abc import Mapping
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, cast, final

from torch import Tensor, nn

from piste.names import nearest
from piste.objective.phase import Phase, PhaseState
from piste.objective.players import Critic, Match
from piste.objective.terms import Parted, Target, Term, TermValue, terms_of

AUXILIARY = "auxiliary"
"""The term that holds what auxiliary predictions add."""


@dataclass(frozen=True)
class Change:
    """What changed at the end of an epoch.

    Args:
        kind: "phase": the next phase begins.
        index: Which phase begins, counted from 0 through all rounds.
        from_: Name of the phase that ended.
        to: Name of the phase that begins.
        reason: Why, such as "recall 0.913 >= 0.9".
        lr_scale: Factor of the learning rate from now on.
        reset_optimizer: Whether the optimizer should forget its state.
    """

    kind: Literal["phase"]
    index: int
    from_: str
    to: str
    reason: str
    lr_scale: float
    reset_optimizer: bool


class Objective(nn.Module):
    """Losses over time. `Objective(x)` makes one of a loss, a sum, a phase or another objective.

    It is called like a loss, `objective(prediction, target, mask=…, sample_weight=…)`, and returns a 0-d tensor to
    differentiate. At the end of each epoch `end_epoch(metrics)` moves it on. `state_dict` holds where it stands, in
    plain numbers and names.

    Args:
        *stages: What follows what: phases, objectives (whose phases are taken over, from their beginning), and losses
            or sums, which last for ever. Only the very last phase may last for ever.

    Attributes:
        terms: What each term came to in the last call, by name.
        discriminator_terms: The same of the last call of `for_discriminator`.
        finished: Whether the last phase has ended. A loop may go on all the same: the last phase stays.
    """

    terms: dict[str, TermValue]
    discriminator_terms: dict[str, TermValue]
    finished: bool

    def __new__(cls, *_: Any, **__: Any) -> "Objective":
        """`Objective(x)` is the plainest objective there is: a sequence."""
        return super().__new__(Sequence if cls is Objective else cls)

    def __init__(self, *stages: Any) -> None:
        super().__init__()
        unrolled = [phase for stage in stages for phase in _phases_of(stage)]
        if not unrolled:
            raise ValueError(f"`{type(self).__name__}` needs a loss or a phase; got nothing.")
        for phase in unrolled[:-1]:
            if phase.endless:
                raise ValueError(
                    f"only the very last phase may last for ever; {phase.name!r} has no end and others follow it: "
                    "give it `epochs` or `until`."
                )
        distinct = list(dict.fromkeys(unrolled))
        self.phases = nn.ModuleList(distinct)
        self._turns = [distinct.index(phase) for phase in unrolled]
        self._index = self._epochs = self._row = 0
        self.finished = False
        self.terms = {}
        self.discriminator_terms = {}

    def forward(
        self,
        prediction: Tensor | Parted,
        target: Target | Parted,
        *,
        mask: Tensor | Parted | None = None,
        sample_weight: Tensor | Parted | None = None,
        auxiliary: SequenceOf[tuple[float, Tensor | Parted]] = (),
    ) -> Tensor:
        """What to minimise, 0-d. Each term's share of it is then in `terms`.

        Where a loss reads more than labels, such as the distance maps of `Boundary`, `target` is a mapping with all
        that is read, {"labels": …, "distance": …}; the other losses are handed its labels, and what else their call
        names. A model of several outputs gives its prediction, target and mask by part, each a mapping; the terms then
        say which part they price.

        `auxiliary` holds further predictions of the same target, as deep supervision has them, each after a factor
        > 0: the whole is paid for each of them, times its factor, and all of that is the term `auxiliary`.
        """
        total: Tensor
        phase, common = self._current, {"mask": mask, "sample_weight": sample_weight}
        total, self.terms = phase(self._epochs, prediction, target, **common)
        if auxiliary:
            if AUXILIARY in self.terms:
                raise ValueError(f"a term must not be called {AUXILIARY!r}: so is what auxiliary outputs add.")
            added, value = phase.auxiliary(self.terms, auxiliary, target, **common)
            total, self.terms = total + added, {**self.terms, AUXILIARY: value}
        return total

    def for_discriminator(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """What the discriminator is to minimise, 0-d, where a loss is adversarial.

        Before the model's own step, whose call then finds the discriminator's scores of what the model made in its
        target, {"labels": …, "fake_scores": critic(fake)}. An adversarial loss is paid in full by the discriminator,
        whatever its factor, which says what it counts among the model's losses; a gradient penalty has its factor.
        Each term's share is then in `discriminator_terms`.

        Args:
            critic: The discriminator: from images to raw scores.
            real: Real images, [N, ...].
            fake: What the model made, [N, ...]; no gradient reaches the model.
        """
        match = Match.of(critic, real, fake)
        total, self.discriminator_terms = self._current.for_discriminator(self._epochs, match)
        return total

    def end_epoch(self, metrics: Mapping[str, float] = MappingProxyType({})) -> list[Change]:
        """Count an epoch, and move on to the next phase if the current one is over.

        Args:
            metrics: Validation metrics by name; needed where a phase has `until`.

        Returns:
            The change of phase, if there was one. Ramps move on without a word.

        Raises:
            ValueError: A phase waits for a metric that is not among them.
        """
        if self.finished:
            self._epochs += 1
            return []
        self._check_metrics(metrics)
        ending = self._current
        self._epochs += 1
        if ending.until is not None:
            self._row = self._row + 1 if ending.until.holds(float(metrics[ending.until.metric])) else 0
        reason = ending.over(self._epochs, self._row, metrics)
        if reason is None:
            return []
        if self._index + 1 == len(self._turns):
            self.finished = True
            return []
        self._index, self._epochs, self._row = self._index + 1, 0, 0
        begins = self._current
        return [Change("phase", self._index, ending.name, begins.name, reason, begins.lr, begins.reset_optimizer)]

    def _check_metrics(self, metrics: Mapping[str, float]) -> None:
        """Refuse, in the first epoch already, metrics without one that this or a later phase waits for."""
        for phase in self.order[self._index :]:
            if phase.until is not None and phase.until.metric not in metrics:
                raise ValueError(
                    f"the phase {phase.name!r} waits for {str(phase.until)!r}, and `metrics` has no "
                    f"{phase.until.metric!r}; {nearest(phase.until.metric, metrics)}."
                )

    @property
    def phase(self) -> PhaseState:
        """Where it stands."""
        return PhaseState(self._index, self._current.name, self._epochs)

    @property
    def adversarial(self) -> bool:
        """Whether a discriminator takes part in the current phase."""
        return self._current.adversarial

    @property
    def lr_scale(self) -> float:
        """Factor of the learning rate in the current phase."""
        return self._current.lr

    @property
    def order(self) -> list[Phase]:
        """Every phase in order, round by round."""
        return [cast(Phase, self.phases[i]) for i in self._turns]

    @property
    def _current(self) -> Phase:
        return cast(Phase, self.phases[self._turns[self._index]])

    def get_extra_state(self) -> dict[str, Any]:
        """Where it stands, for `state_dict`."""
        return {
            "phases": [phase.name for phase in self.order],
            "index": self._index,
            "epochs": self._epochs,
            "row": self._row,
            "finished": self.finished,
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Stand where a state says, for `load_state_dict`.

        Raises:
            ValueError: The state is that of an objective with other phases.
        """
        own = [phase.name for phase in self.order]
        if state["phases"] != own:
            raise ValueError(
                f"the state is that of an objective with the phases {state['phases']}; this one has {own}."
            )
        self._index, self._epochs, self._row = state["index"], state["epochs"], state["row"]
        self.finished = state["finished"]


@final
class Sequence(Objective):
    """Phases that follow each other once.

    Args:
        *stages: As in `Objective`.

    Example:
        >>> from piste.losses import CrossEntropy, Dice
        >>> objective = Sequence(Phase(CrossEntropy(), epochs=2), Phase(Dice(), lr=0.1))
        >>> objective.end_epoch(), objective.phase.name
        ([], 'cross_entropy')
        >>> objective.end_epoch()[0].reason, objective.phase.name, objective.lr_scale
        ('after 2 epochs', 'dice', 0.1)
    """

    def __init__(self, *stages: Any) -> None:
        super().__init__(*stages)
        self._stages = ", ".join(map(repr, stages))

    def __repr__(self) -> str:
        return f"Sequence({self._stages})"


@terms_of.register
def _(thing: Objective) -> tuple[Term, ...]:
    raise ValueError(
        f"phases that follow each other cannot be part of a sum or of a phase; got {thing!r}. "
        "Add the loss to each of its phases, or put it into a Sequence."
    )


def _phases_of(stage: Any) -> tuple[Phase, ...]:
    """The phases that a stage of an objective stands for."""
    match stage:
        case Phase():
            return (stage,)
        case Objective():
            return tuple(stage.order)
        case _:
            return (Phase(stage),)
