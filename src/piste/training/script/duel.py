"""The loop of two players as code: steps of a discriminator between those of the model."""

from typing import NamedTuple

from piste.data.script.text import WIDTH, block
from piste.tasks.base.scripted import Scripted
from piste.training.script.course import next_phase, next_rate, scaled_rate, start
from piste.training.script.loop import FOLLOW, MEANS, TOTAL, Loop, batches_as_code
from piste.training.script.phases import Minimised


class Rivalry(NamedTuple):
    """What the discriminator's part of the loop depends on.

    Args:
        optimizer: the call that makes it.
        share: its rate, times the model's.
        several: whether it takes several steps for one of the model.
        cut: whether its weights are cut after each step.
        alone: whether the model has losses without it.
        idle: whether there are phases without it.
    """

    optimizer: str
    share: float
    several: bool
    cut: bool
    alone: bool
    idle: bool


def duel_as_code(loop: Loop, rivalry: Rivalry, task: Scripted, minimised: Minimised) -> list[str]:
    """`batches`, `train`, `validate` and what they call."""
    code = [batches_as_code(task, drop_last=loop.drop_last), TOTAL.strip(), MEANS.strip()]
    code += [FOLLOW.strip()] if loop.ema else []
    return [*code, _train(loop, rivalry, task, minimised), _validate(rivalry, task, minimised)]


class _Names(NamedTuple):
    """How the loop calls what a task and an objective bring."""

    batch: str
    given: str
    made: str
    real: str
    asked: str
    of: str

    @classmethod
    def of_task(cls, task: Scripted, rivalry: Rivalry, minimised: Minimised) -> "_Names":
        given = ", ".join(task.given)
        return cls(
            batch=", ".join(task.batch),
            given=given,
            made=task.given[0],
            real=task.given[1],
            asked=f"{given}, " if rivalry.alone else "",
            of="" if minimised.table is None else "phase.",
        )


def _train(loop: Loop, rivalry: Rivalry, task: Scripted, minimised: Minimised) -> str:
    names = _Names.of_task(task, rivalry, minimised)
    phased = minimised.table is not None
    epoch = "since" if phased else "epoch - 1"
    lines = [
        "def train(log: Callable[..., None]) -> nn.Module:",
        '    """Trains both networks for all epochs; `log` is told of each step and each epoch."""',
        "    torch.manual_seed(SEED)",
        "    model = build_model().to(DEVICE)",
        *(["    average = copy.deepcopy(model).eval().requires_grad_(False)"] if loop.ema else []),
        "    discriminator = build_discriminator().to(DEVICE)",
        f"    optimizer = {loop.optimizer}",
        _wrapped(f"    discriminator_optimizer = {rivalry.optimizer}"),
        *start(loop, minimised),
        "    for epoch in range(1, EPOCHS + 1):",
        "        torch.manual_seed((SEED * 1_000_003 + epoch) % 2**32)",
        "        model.train()",
        "        discriminator.train()",
        *(["        phase = PHASES[place]"] if phased else []),
    ]
    if rivalry.several:
        lines += ['        loader, paid = batches("train", epoch), Mean()']
        lines += [f"        for number, ({names.batch}) in enumerate(loader, 1):"]
    else:
        lines += [f'        for {names.batch} in batches("train", epoch):']
    scaled = scaled_rate(loop, minimised)
    body = [f"{names.given} = forward(model, {names.batch})", *scaled]
    if scaled or loop.schedule:
        share = "" if rivalry.share == 1 else f"{rivalry.share:.12g} * "
        body += [f'discriminator_optimizer.param_groups[0]["lr"] = {share}optimizer.param_groups[0]["lr"]']
    taught = [
        "discriminator.requires_grad_(True)",
        f"costs = {names.of}discriminator_losses(discriminator, {names.real}, {names.made}.detach(), {epoch})",
        "cost = total(costs)",
        "cost.backward()",
        *(["nn.utils.clip_grad_norm_(discriminator.parameters(), CLIP)"] if loop.clip else []),
        "discriminator_optimizer.step()",
        "discriminator_optimizer.zero_grad()",
        *(["cut(discriminator)"] if rivalry.cut else []),
        "discriminator.requires_grad_(False)",
    ]
    if rivalry.several:
        taught += [
            f"paid.add({task.counted}, cost.item(), raw(costs))",
            "if number % DISCRIMINATOR_STEPS and number < len(loader):",
            "    continue",
        ]
        told = "discriminator=paid.values()"
    elif rivalry.idle:
        taught += ['paid = {"discriminator": {"loss": cost.item(), "terms": raw(costs)}}']
        told = "**paid"
    else:
        taught += ['paid = {"loss": cost.item(), "terms": raw(costs)}']
        told = "discriminator=paid"
    if rivalry.idle:
        body += ["", "scored, paid = None, {}", "if phase.discriminator_losses is not None:"]
        body += [*(f"    {line}" for line in taught), f"    scored = discriminator({names.made})"]
        scored = "scored"
    else:
        body += ["", *taught]
        scored = f"discriminator({names.made})"
    body += [
        "",
        f"terms = {names.of}losses({names.asked}{scored}, {epoch})",
        "loss = total(terms)" + (f" + 0.0 * {names.made}.sum()" if loop.zero else ""),
        "loss.backward()",
        *(["nn.utils.clip_grad_norm_(model.parameters(), CLIP)"] if loop.clip else []),
        "optimizer.step()",
        "optimizer.zero_grad()",
        "step += 1",
        'lr = optimizer.param_groups[0]["lr"]',
        f"log(epoch=epoch, step=step, loss=loss.item(), terms=raw(terms), lr=lr, {told})",
        *(["paid = Mean()"] if rivalry.several else []),
        *next_rate(loop, minimised),
        *(["follow(average, model, step)"] if loop.ema else []),
    ]
    lines += [f"            {line}" if line else "" for line in body]
    evaluated = "average" if loop.ema else "model"
    lines += [
        f"        found = validate({evaluated}, discriminator, {'phase, since' if phased else 'epoch - 1'})",
        "        log(epoch=epoch, val=found)",
        *next_phase(minimised, ["optimizer", "discriminator_optimizer"]),
        f"    return {evaluated}",
    ]
    cut = [block(_CUT)] if rivalry.cut else []
    return "\n\n\n".join([*cut, "\n".join(lines)])


def _validate(rivalry: Rivalry, task: Scripted, minimised: Minimised) -> str:
    names = _Names.of_task(task, rivalry, minimised)
    lines = [
        f"costs = {names.of}discriminator_losses(discriminator, {names.real}, {names.made}, epoch)",
        f"paid.add({task.counted}, float(total(costs)), raw(costs))",
    ]
    scored = f"discriminator({names.made})"
    if rivalry.idle:
        lines = ["scored = None", "if phase.discriminator_losses is not None:", *(f"    {line}" for line in lines)]
        lines += [f"    scored = {scored}"]
        scored = "scored"
    lines += [
        f"terms = {names.of}losses({names.asked}{scored}, epoch)",
        f"mean.add({task.counted}, float(total(terms)), raw(terms))",
    ]
    both, counts = 'mean.values() | {"discriminator": paid.values()}', ""
    if rivalry.idle:
        both = 'mean.values() | ({"discriminator": paid.values()} if paid.counted else {})'
    start, told = "mean, paid = Mean(), Mean()", "The mean losses of both networks over the validation samples"
    if task.metrics:
        lines += [f"counts = counts + count({', '.join(task.judged) or names.given})"]
        start, counts = f"mean, paid, counts = Mean(), Mean(), {task.empty}", " | scores(counts)"
        told += ", and metrics"
    inner = "\n                ".join(lines)
    takes = "epoch: int" if minimised.table is None else "phase: Phase, epoch: int"
    return block(f'''
        @torch.no_grad()
        def validate(model: nn.Module, discriminator: nn.Module, {takes}) -> dict:
            """{told}."""
            model.eval()
            discriminator.eval()
            {start}
            for {names.batch} in batches("val"):
                {names.given} = forward(model, {names.batch})
                {inner}
            return {both}{counts}
    ''')


def _wrapped(line: str) -> str:
    """An assignment of a call, broken if it is too long."""
    if len(line) <= WIDTH:
        return line
    head, _, arguments = line.partition("(")
    return f"{head}(\n        {arguments.removesuffix(')')}\n    )"


_CUT = '''
    @torch.no_grad()
    def cut(discriminator: nn.Module) -> None:
        """Cuts weights that are too large."""
        for weight in discriminator.parameters():
            weight.clamp_(-WEIGHT_CLIP, WEIGHT_CLIP)
'''
