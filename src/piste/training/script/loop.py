"""The loop as code: only what a run's settings ask for."""

from typing import NamedTuple

from piste.data.script.text import block
from piste.tasks.base.scripted import Scripted
from piste.training.script.course import next_phase, next_rate, scaled_rate, start
from piste.training.script.phases import Minimised


class Loop(NamedTuple):
    """What the loop depends on.

    Args:
        optimizer: the call that makes it.
        schedule: the call that makes the schedule; None for a rate that stays.
        warmup: optimizer steps of it.
        clip: whether gradients are clipped.
        accumulate: whether a step has several batches.
        ema: whether the weights are averaged.
        zero: whether all factors may be 0.
        drop_last: whether the last batch of training, one image alone, is left out.
    """

    optimizer: str
    schedule: str | None
    warmup: int
    clip: bool
    accumulate: bool
    ema: bool
    zero: bool
    drop_last: bool


BATCHES = '''
def batches(split: str, epoch: int = 0) -> DataLoader:
    """The samples of a split: in an order that follows from the seed and the epoch, or as they are listed."""
    samples = Samples(split, epoch)
    generator, order = torch.Generator(), None
    if split == "train":
        generator.manual_seed(hash((SEED, epoch)) % 2**63)
        order = {order}
{call}
'''

TOTAL = '''
def total(terms: dict[str, tuple[float, Tensor]]) -> Tensor:
    """The sum of losses times their factors."""
    return sum(factor * loss for factor, loss in terms.values() if factor)
'''

MEANS = '''
def raw(terms: dict[str, tuple[float, Tensor]]) -> dict[str, float]:
    """Each loss by itself."""
    return {name: loss.item() for name, (_, loss) in terms.items()}


class Mean:
    """The mean loss over batches, each of which weighs what it counted, and that of its terms."""

    def __init__(self) -> None:
        self.counted, self.loss, self.terms = 0, 0.0, {}

    def add(self, counted: int, loss: float, terms: dict[str, float]) -> None:
        """Takes in a batch."""
        self.counted += counted
        self.loss += counted * loss
        for name, value in terms.items():
            self.terms[name] = self.terms.get(name, 0.0) + counted * value

    def values(self) -> dict:
        """The means so far."""
        counted = max(self.counted, 1)
        return {"loss": self.loss / counted, "terms": {name: value / counted for name, value in self.terms.items()}}
'''

FOLLOW = '''
@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, step: int) -> None:
    """Moves the average of the weights a little towards what they are now."""
    decay = min(EMA, (1 + step) / (10 + step))
    for mean, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        mean.lerp_(value, 1 - decay) if mean.is_floating_point() else mean.copy_(value)
'''


def loop_as_code(loop: Loop, task: Scripted, minimised: Minimised) -> list[str]:
    """`batches`, `train`, `validate` and what they call."""
    given = ", ".join(task.given)
    code = [batches_as_code(task, drop_last=loop.drop_last), TOTAL.strip(), MEANS.strip()]
    code += [FOLLOW.strip()] if loop.ema else []
    phased = minimised.table is not None
    losses = "phase.losses" if phased else "losses"
    since = "since" if phased else "epoch - 1"
    return [*code, _train(loop, task, minimised, given, losses, since), _validate(given, task, phased)]


def batches_as_code(task: Scripted, *, drop_last: bool) -> str:
    """`batches`."""
    extra = [f"collate_fn={task.collate}"] if task.collate else []
    extra += ['drop_last=split == "train"'] if drop_last else []
    size = 'BATCH_SIZE if split == "train" else 1' if task.one_by_one else "BATCH_SIZE"
    arguments = ["samples", size, "sampler=order", "num_workers=WORKERS", *extra, "generator=generator"]
    call = f"    return DataLoader({', '.join(arguments)})"
    if len(call) > 120:
        call = f"    return DataLoader(\n        {', '.join(arguments)}\n    )"
        if max(map(len, call.splitlines())) > 120:
            call = "    return DataLoader(\n" + "".join(f"        {each},\n" for each in arguments) + "    )"
    return BATCHES.strip().format(order=task.order, call=call)


def _train(loop: Loop, task: Scripted, minimised: Minimised, given: str, losses: str, since: str) -> str:
    phased, batch = minimised.table is not None, ", ".join(task.batch)
    lines = [
        "def train(log: Callable[..., None]) -> nn.Module:",
        '    """Trains for all epochs; `log` is told of each step and each epoch."""',
        "    torch.manual_seed(SEED)",
        "    model = build_model().to(DEVICE)",
        *(["    average = copy.deepcopy(model).eval().requires_grad_(False)"] if loop.ema else []),
        f"    optimizer = {loop.optimizer}",
        *start(loop, minimised),
        "    for epoch in range(1, EPOCHS + 1):",
        "        torch.manual_seed((SEED * 1_000_003 + epoch) % 2**32)",
        "        model.train()",
        *(["        phase = PHASES[place]"] if phased else []),
    ]
    body: list[str] = []
    if loop.accumulate:
        lines += ['        loader, mean, counted = batches("train", epoch), Mean(), 0']
        lines += [f"        for number, ({batch}) in enumerate(loader, 1):"]
    else:
        lines += [f'        for {batch} in batches("train", epoch):']
    body += [
        f"{given} = forward(model, {batch})",
        f"terms = {losses}({given}, {since})",
        "loss = total(terms)" + (f" + 0.0 * {task.given[0]}.sum()" if loop.zero else ""),
    ]
    lr = 'lr=optimizer.param_groups[0]["lr"]'
    if loop.accumulate:
        body += [
            f"share = {task.counted}",
            "mean.add(share, loss.item(), raw(terms))",
            "(share * loss).backward()",
            "counted += share",
            "if number % ACCUMULATE and number < len(loader):",
            "    continue",
            "for parameter in model.parameters():",
            "    if parameter.grad is not None:",
            "        parameter.grad /= max(counted, 1)",
        ]
        tell = f"log(epoch=epoch, step=step, **mean.values(), {lr})"
    else:
        body += ["loss.backward()"]
        tell = f"log(epoch=epoch, step=step, loss=loss.item(), terms=raw(terms), {lr})"
    body += ["nn.utils.clip_grad_norm_(model.parameters(), CLIP)"] if loop.clip else []
    body += scaled_rate(loop, minimised)
    body += ["optimizer.step()", "optimizer.zero_grad()", "step += 1", tell]
    if loop.accumulate:
        body += ["mean, counted = Mean(), 0"]
    body += next_rate(loop, minimised)
    body += ["follow(average, model, step)"] if loop.ema else []
    lines += [f"            {line}" for line in body]
    evaluated = "average" if loop.ema else "model"
    lines += [
        f"        found = validate({evaluated}, {'phase.losses, since' if phased else 'epoch - 1'})",
        "        log(epoch=epoch, val=found)",
    ]
    lines += next_phase(minimised, ["optimizer"])
    lines += [f"    return {evaluated}"]
    return "\n".join(lines)


def _validate(given: str, task: Scripted, phased: bool) -> str:
    batch = ", ".join(task.batch)
    takes = "losses: Callable[..., dict[str, tuple[float, Tensor]]], epoch: int" if phased else "epoch: int"
    return block(f'''
        @torch.no_grad()
        def validate(model: nn.Module, {takes}) -> dict[str, float]:
            """The mean loss over the validation images, its terms, and metrics."""
            model.eval()
            mean, counts = Mean(), {task.empty}
            for {batch} in batches("val"):
                {given} = forward(model, {batch})
                terms = losses({given}, epoch)
                mean.add({task.counted}, float(total(terms)), raw(terms))
                counts = counts + count({", ".join(task.judged) or given})
            return mean.values() | scores(counts)
    ''')
