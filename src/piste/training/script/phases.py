"""What is minimised when, as code: a function for each phase, and a table where there are several."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from piste.data.script.text import WIDTH, block, fitted, literal
from piste.objective import Objective, Ramp
from piste.objective.phase import Phase
from piste.objective.terms import Term
from piste.objective.trigger import Trigger
from piste.tasks.base.scripted import Scripted
from piste.training.script.losses import Losses

RAMPS: Mapping[str, str] = {
    "linear": '''
        def linear_ramp(start: float, end: float, epochs: int, epoch: int) -> float:
            """From `start` in epoch 0 to `end` in the last of some epochs, in equal steps."""
            done = min(epoch / (epochs - 1), 1.0)
            return start * (1 - done) + end * done
    ''',
    "cosine": '''
        def cosine_ramp(start: float, end: float, epochs: int, epoch: int) -> float:
            """From `start` in epoch 0 to `end` in the last of some epochs, slowly at both ends."""
            share = (1 - math.cos(math.pi * min(epoch / (epochs - 1), 1.0))) / 2
            return start * (1 - share) + end * share
    ''',
    "exponential": '''
        def exponential_ramp(start: float, end: float, epochs: int, epoch: int) -> float:
            """From `start` in epoch 0 to `end` in the last of some epochs, in equal ratios."""
            done = min(epoch / (epochs - 1), 1.0)
            return start ** (1 - done) * end**done
    ''',
    "steps": '''
        def stepped_ramp(start: float, end: float, epochs: int, steps: int, epoch: int) -> float:
            """From `start` in epoch 0 to `end` in the last of some epochs, on so many plateaus of equal length."""
            share = min(epoch * steps // epochs, steps - 1) / (steps - 1)
            return start * (1 - share) + end * share
    ''',
}
"""Functions of an epoch of the phase, counted from 0, by the shape of their ramp."""

LOSSES = "Callable[..., dict[str, tuple[float, Tensor]]]"
"""The type of functions of what is minimised."""


Priced = Mapping[str | None, Losses]
"""The losses of each part of a prediction, or of all of it."""


class Player(NamedTuple):
    """Who minimises: the model, or what is trained against it.

    Args:
        name: of its function, where it has one for all phases.
        phase: what its functions are called otherwise, with a number.
        takes: the arguments of its functions, but for the epoch.
        told: what its functions return.
        pays: the terms of a phase that are its own.
        call: what computes a term, given the values of keywords that move.
        factor: of a term, as code; ramps are written into the mapping.
        before: the first lines of its functions.
    """

    name: str
    phase: str
    takes: Sequence[str]
    told: str
    pays: Callable[[Phase], Sequence[Term]]
    call: Callable[[Term, Mapping[str, str]], str]
    factor: Callable[[Term, dict[str, str]], str]
    before: Sequence[str] = ()


Players = Callable[[Priced, Objective], Sequence[Player]]
"""Who takes part in an objective."""


def alone(priced: Priced, objective: Objective) -> Sequence[Player]:
    """The model, which no other network is trained against."""
    return [Player("losses", "phase", given(priced), "Each loss", lambda phase: phase.parts, call(priced), factor)]


def given(priced: Priced) -> list[str]:
    """What `forward` returns, as arguments."""
    task = priced[None].task
    assert isinstance(task, Scripted)
    return [f"{name}: {task.kind}" for name in task.given]


def call(priced: Priced) -> Callable[[Term, Mapping[str, str]], str]:
    """What computes the loss of a term, given the values of keywords that move."""

    def written(term: Term, moving: Mapping[str, str]) -> str:
        if term.part not in priced:
            raise ValueError("`loss`: a script can't price the parts of a prediction")
        return priced[term.part].call(term.loss, moving)

    return written


class Minimised(NamedTuple):
    """What a script minimises.

    Args:
        code: losses, ramps and phases.
        table: the constant with all phases in order; None where there is one for ever, called `losses`.
        scaled: whether phases scale the learning rate.
        resets: whether phases make the optimizer forget.
        waits: whether phases wait for a metric.
    """

    code: list[str]
    table: str | None
    scaled: bool
    resets: bool
    waits: bool


def minimised(objective: Objective, task: Scripted, players: Players = alone) -> Minimised:
    """An objective as code.

    Args:
        objective: at its beginning.
        task: its part of the script.
        players: who takes part.

    Raises:
        ValueError: names what of it can't be written.
    """
    ramps, written = dict[str, str](), dict[str, str]()
    losses: dict[str | None, Losses] = {None: Losses(task, written)}
    losses |= {name: Losses(part, written) for name, part in task.parts.items()}
    losses[None].add_all(task.calls)
    order = objective.order
    single = len(order) == 1 and order[0].endless
    distinct = [phase for phase in objective.phases if isinstance(phase, Phase)]
    names: list[list[str]] = []  # of each player's functions, a phase each
    sums = []
    for player in players(losses, objective):
        bodies = [_phase(phase, player, ramps, single=single) if player.pays(phase) else "" for phase in distinct]
        own = [body for body in dict.fromkeys(bodies) if body]
        called = {body: f"{player.phase}_{i}" if len(own) > 1 else player.name for i, body in enumerate(own, 1)}
        names.append([called.get(body, "None") for body in bodies])
        sums += [fitted(body.replace("NAME", name, 1)) for body, name in called.items()]
    code = [*ramps.values(), *written.values(), *sums]
    scaled, resets = any(phase.lr != 1 for phase in order), any(phase.reset_optimizer for phase in order)
    waits = any(phase.until is not None for phase in order)
    if single:
        return Minimised(code, None, scaled, resets, waits)
    for phase in order:
        if phase.until is not None and phase.until.metric.partition("/")[0] not in task.metrics:
            raise ValueError(f"`until`: a script knows {', '.join(task.metrics)}, and not {phase.until.metric}")
    rows = []
    for phase in order:
        until = phase.until
        entries = [
            *(each[distinct.index(phase)] for each in names),
            repr(phase.at_most if until is not None else phase.epochs),
        ]
        entries += [repr(phase.lr)] if scaled else []
        if waits:
            entries += [str(until and _condition(until)), repr(1 if until is None else until.epochs)]
        entries += [repr(phase.reset_optimizer)] if resets else []
        rows.append(f"    Phase({', '.join(entries)}),")
    rival = f"{LOSSES} | None" if "None" in names[-1] else LOSSES
    fields = [
        ("losses", LOSSES, "what is minimised"),
        *([("discriminator_losses", rival, "what the discriminator minimises")] if len(names) > 1 else []),
        ("epochs", "int | None", "how long, at most" if waits else "how long"),
        *([("lr", "float", "times the learning rate")] if scaled else []),
        *([("until", "Callable[[dict[str, float]], bool] | None", "or until this holds")] if waits else []),
        *([("row", "int", "in so many epochs in a row")] if waits else []),
        *([("resets", "bool", "whether the optimizer forgets its state when it begins")] if resets else []),
    ]
    told = "".join(f"    {name}: {kind}  # {what}\n" for name, kind, what in fields)
    kind = f'class Phase(NamedTuple):\n    """What is minimised for a while."""\n\n{told}'.rstrip()
    table = "PHASES = [\n" + "\n".join(rows) + "\n]"
    return Minimised([*code, kind], table, scaled, resets, waits)


def _condition(until: Trigger) -> str:
    """A condition on metrics; a class that never occurs has none, which fulfils nothing."""
    metric = literal(until.metric)
    found = f'metrics.get({metric}, float("nan"))' if "/" in until.metric else f"metrics[{metric}]"
    return f"lambda metrics: {found} {until.op} {until.number}"


def _phase(phase: Phase, player: Player, ramps: dict[str, str], *, single: bool) -> str:
    """The function of what a player minimises in a phase, called NAME."""
    if phase.weighting is not None:
        raise ValueError("`loss.weighting`: a script can't weigh terms against each other; give each a scale")
    terms, rows = player.pays(phase), []
    for term in terms:
        moving = {keyword: _ramp(ramp, ramps) for keyword, ramp in term.moving.items()}
        rows.append(f'        "{term.name}": ({player.factor(term, ramps)}, {player.call(term, moving)}),')
    if any(len(row) > 120 for row in rows):
        rows = ["\n".join(_broken(row)) if len(row) > 120 else row for row in rows]
    head = [
        f"def NAME({', '.join([*player.takes, 'epoch: int'])}) -> dict[str, tuple[float, Tensor]]:",
        *_told(player.told, watching=any(term.watched for term in terms), single=single),
        *(f"    {line}" for line in player.before),
    ]
    if len(rows) == 1 and len(rows[0]) + 6 <= 120 and "\n" not in rows[0]:
        return "\n".join([*head, f"    return {{{rows[0].strip().rstrip(',')}}}"])
    return "\n".join([*head, "    return {", *rows, "    }"])


def _told(told: str, *, watching: bool, single: bool) -> list[str]:
    """The description of a phase's function."""
    counts = f"`epoch` counts from 0{'' if single else ' within the phase'}"
    short = f'    """{told} after its factor; what is not minimised has a factor of 0; {counts}."""'
    if not watching:
        return [f'    """{told} after its factor; {counts}."""']
    if len(short) <= WIDTH:
        return [short]
    return [f'    """{told} after its factor; {counts}.', "", "    What is not minimised has a factor of 0.", '    """']


def _broken(row: str) -> list[str]:
    """A row of a mapping that is too long for a line."""
    name, _, rest = row.strip().rstrip(",").partition(": (")
    factor, _, call = rest[:-1].partition(", ") if "_ramp(" not in rest.partition(", ")[0] else _cut(rest[:-1])
    return [f"        {name}: (", f"            {factor},", f"            {call},", "        ),"]


def _cut(pair: str) -> tuple[str, str, str]:
    """A pair of which the first is a call."""
    end = pair.index(")") + 1
    return pair[:end], ", ", pair[end + 2 :]


def factor(term: Term, ramps: dict[str, str]) -> str:
    """The factor of a term."""
    if term.watched:
        return "0.0"
    return _ramp(term.factor, ramps) if isinstance(term.factor, Ramp) else repr(float(term.factor))


def _ramp(ramp: Ramp, ramps: dict[str, str]) -> str:
    """The call of a ramp, whose function is written where it was not yet."""
    ramps.setdefault(ramp.shape, block(RAMPS[ramp.shape]))
    called = "stepped_ramp" if ramp.shape == "steps" else f"{ramp.shape}_ramp"
    steps = f", {ramp.steps}" if ramp.shape == "steps" else ""
    return f"{called}({float(ramp.start)}, {float(ramp.end)}, {ramp.epochs}{steps}, epoch)"
