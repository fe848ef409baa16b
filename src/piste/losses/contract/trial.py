"""The promises that any loss can be held to, whoever wrote it: one trial of a subject, one function a promise."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from piste.losses.contract import probes
from piste.losses.contract.probes import require
from piste.losses.contract.subject import Subject
from piste.losses.contract.ways import CLASSES, Exclusive, Independent, Numbers, Way

EXTREMES = (30.0, 100.0, 1e4)
LARGE = 1 << 17
"""More elements than float16 can count (65504)."""


@dataclass(frozen=True)
class Trial:
    """One subject, called in the one way that it accepts."""

    subject: Subject
    way: Way
    size: tuple[int, ...]

    def sample(self, size: tuple[int, ...] | None = None) -> tuple[Tensor, Tensor]:
        """Draw the same prediction and target every time."""
        return self.way.sample(size or self.size, torch.Generator().manual_seed(5))

    def on(self, target: Tensor) -> Callable[[Tensor], Tensor]:
        """Bind the target."""
        subject = self.subject
        return lambda prediction: subject(prediction, target)


Promise = Callable[[Trial], str]


def basics() -> Iterator[Promise]:
    """List the promises without which nothing else can be tried."""
    yield from (it_returns_one_number, it_has_a_gradient)


def promises(trial: Trial) -> Iterator[Promise]:
    """List the others that apply."""
    yield from (a_call_changes_nothing_outside, it_answers_the_same_on_every_call)
    yield from (it_reads_the_prediction, it_reads_the_target, a_right_answer_costs_less_than_a_wrong_one)
    if isinstance(trial.way, Independent):
        yield a_false_alarm_on_an_empty_image_has_a_price
    yield from (its_gradient_is_right, it_stays_finite_at_extremes, it_works_in_half_precision)
    yield it_compiles_whole
    keywords = _keywords(trial.subject)
    if "mask" in keywords:
        yield from (a_masked_element_has_no_influence, an_all_masked_batch_costs_nothing)
    if "sample_weight" in keywords:
        yield from (an_element_of_weight_zero_has_no_influence, sample_weights_of_one_equal_none)


def _keywords(subject: Subject) -> set[str]:
    """Names of the parameters that can be given by keyword."""
    function = subject.forward if isinstance(subject, torch.nn.Module) else subject
    return set(inspect.signature(function).parameters)


def it_returns_one_number(trial: Trial) -> str:
    """A 0-d floating tensor, on which `.backward()` works."""
    prediction, target = trial.sample()
    result = trial.subject(prediction.requires_grad_(), target)
    require(isinstance(result, Tensor), f"it returned {type(result).__name__}, not a tensor")
    require(result.dim() == 0, f"it returned shape {tuple(result.shape)}, not one number: average or sum it")
    require(result.is_floating_point(), f"it returned {result.dtype}, which has no gradient")
    return f"a 0-d {str(result.dtype).removeprefix('torch.')} tensor"


def it_has_a_gradient(trial: Trial) -> str:
    """Autograd finds a way from the value back to the prediction."""
    prediction, target = trial.sample()
    probes.slope(trial.on(target), prediction)
    return "autograd follows it to the prediction"


def a_call_changes_nothing_outside(trial: Trial) -> str:
    """Inputs, grad mode, default dtype and random state are as before, also inside `no_grad`."""
    prediction, target = trial.sample()
    for grad in (True, False):
        with torch.set_grad_enabled(grad), probes.nothing_outside_changes(prediction=prediction, target=target):
            trial.subject(prediction, target)
    return "inputs, grad mode, default dtype and random state are left alone"


def it_answers_the_same_on_every_call(trial: Trial) -> str:
    """No dice and no memory."""
    prediction, target = trial.sample()
    probes.same_on_every_call(trial.on(target), prediction)
    return "three calls, another input in between"


def it_reads_the_prediction(trial: Trial) -> str:
    """Every channel of the prediction has a gradient somewhere."""
    prediction, target = trial.sample()
    gradient = probes.slope(trial.on(target), prediction).movedim(1, 0).flatten(1)
    unread = [str(c) for c in range(gradient.shape[0]) if not gradient[c].any()]
    require(not unread, f"channel {', '.join(unread)} of the prediction has no gradient anywhere")
    return "every channel has a gradient"


def it_reads_the_target(trial: Trial) -> str:
    """Another target costs something else; with classes, each pair of classes is told apart."""
    prediction, target = trial.sample()
    value = trial.subject(prediction, target)
    changes = {"every target": trial.way.other(target)}
    if isinstance(trial.way, Exclusive):
        pairs = [(a, b) for a in range(CLASSES) for b in range(CLASSES) if a < b]
        changes |= {f"every target {a} to {b}": torch.where(target == a, b, target) for a, b in pairs}
    for change, changed in changes.items():
        differs = not torch.equal(trial.subject(prediction, changed), value)
        require(differs, f"changing {change} leaves the value at {value.item():.6g}")
    return "other targets cost something else"


def a_right_answer_costs_less_than_a_wrong_one(trial: Trial) -> str:
    """On a mixed target and, with classes, on an image of one class alone."""
    _, target = trial.sample()
    targets = {"a mixed target": target}
    if isinstance(trial.way, Exclusive):
        targets |= {f"a target of class {c} alone": torch.full_like(target, c) for c in range(CLASSES)}
    if isinstance(trial.way, Independent):
        targets["a target of ones"] = torch.ones_like(target)
    for words, truth in targets.items():
        right, wrong = (trial.subject(answer, truth).item() for answer in trial.way.answers(truth))
        require(right < wrong, f"on {words} the right answer costs {right:.6g} and a wrong one {wrong:.6g}")
    return "the right answer is the cheaper one"


def a_false_alarm_on_an_empty_image_has_a_price(trial: Trial) -> str:
    """Where no element is 1, predicting ones everywhere costs more than predicting none."""
    _, target = trial.sample()
    quiet, alarm = (trial.subject(answer, target * 0).item() for answer in trial.way.answers(target * 0))
    require(
        alarm > quiet,
        f"where the target is empty, predicting it everywhere costs {alarm:.6g}, nowhere {quiet:.6g}: "
        "false alarms there are free",
    )
    return f"{alarm:.4g} everywhere against {quiet:.4g} nowhere"


def its_gradient_is_right(trial: Trial) -> str:
    """Autograd agrees with finite differences, element by element."""
    prediction, target = trial.sample()
    value = trial.on(target)
    exact = not torch.equal(value(prediction), value(prediction.float().double()))
    probes.gradient_is_right(value, prediction, exact=exact)
    return f"autograd agrees with finite differences in {'float64' if exact else 'float32'}"


def it_stays_finite_at_extremes(trial: Trial) -> str:
    """Value and gradient, in float32, for predictions of 30, 100 and 1e4, all right, all wrong and mixed."""
    prediction, target = trial.sample()
    right, wrong = trial.way.answers(target)
    for size in EXTREMES:
        cases = {"mixed": prediction.sign() * size, "right": right.sign() * size, "wrong": wrong.sign() * size}
        if isinstance(trial.way, Numbers):
            cases = {"mixed": prediction * size, "exact": right, "far off": wrong + size}
        for words, extreme in cases.items():
            try:
                probes.stays_finite(trial.on(_in(torch.float32, target)), extreme.float())
            except AssertionError as broken:
                raise AssertionError(f"predictions of size {size:g}, {words}: {broken}") from None
    return "value and gradient finite up to 1e4"


def it_works_in_half_precision(trial: Trial) -> str:
    """The value stays near that of the same numbers in float32, on an image large enough to overflow a sum."""
    prediction, target = trial.sample((1, 7, LARGE // 7) if len(trial.size) == 3 else (LARGE,))
    for dtype in (torch.float16, torch.bfloat16):
        half, half_target = prediction.to(dtype), _in(dtype, target)
        value, expected = (trial.subject(half.to(d), _in(d, half_target)).item() for d in (dtype, torch.float32))
        kind = f"on {half.numel()} numbers {str(dtype).removeprefix('torch.')}"
        near = abs(value - expected) <= 0.02 * abs(expected) + 1e-3
        require(near, f"{kind} gives {value:.6g} and float32 {expected:.6g}: compute in prediction.float()")
        finite = bool(probes.slope(trial.on(half_target), half).isfinite().all())
        require(finite, f"{kind} has a gradient that is NaN or infinite: compute in prediction.float()")
    return "float16 and bfloat16 stay near float32"


def it_compiles_whole(trial: Trial) -> str:
    """`torch.compile(fullgraph=True)`: no host sync, nothing that leaves the graph, and the same answer."""
    prediction, target = trial.sample()
    probes.compiles(trial.on(target), prediction)
    return "fullgraph, value and gradient as in eager"


def a_masked_element_has_no_influence(trial: Trial) -> str:
    """Where the mask is False the gradient is exactly 0, and other numbers there change nothing."""
    prediction, target = trial.sample()
    mask = torch.ones_like(target, dtype=torch.bool)
    mask[0] = False
    _unseen(trial, prediction, target, ~mask, "masked", mask=mask)
    return "gradient 0 there, and changing it changes nothing"


def an_all_masked_batch_costs_nothing(trial: Trial) -> str:
    """Exactly 0, with a gradient that exists and is 0."""
    prediction, target = trial.sample()
    mask = torch.zeros_like(target, dtype=torch.bool)
    value = trial.subject(prediction, target, mask=mask).item()
    require(value == 0, f"with everything masked the value is {value:.6g}, not 0")
    gradient = probes.slope(lambda p: trial.subject(p, target, mask=mask), prediction)
    require(
        not gradient.any(), f"with everything masked the gradient is up to {gradient.abs().max().item():.6g}, not 0"
    )
    return "exactly 0 with a gradient path"


def an_element_of_weight_zero_has_no_influence(trial: Trial) -> str:
    """Where the sample weight is 0 the gradient is exactly 0, and other numbers there change nothing."""
    prediction, target = trial.sample()
    weight = torch.ones_like(target, dtype=torch.float64)
    weight[0] = 0
    _unseen(trial, prediction, target, weight == 0, "weightless", sample_weight=weight)
    return "gradient 0 there, and changing it changes nothing"


def sample_weights_of_one_equal_none(trial: Trial) -> str:
    """Ones as sample weights give the value without any."""
    prediction, target = trial.sample()
    ones = torch.ones_like(target, dtype=torch.float64)
    value, plain = trial.subject(prediction, target, sample_weight=ones), trial.subject(prediction, target)
    probes.agree("the value with weights of 1", value, plain, rtol=1e-6, atol=1e-9, source="the call without")
    return "the value without any"


def _in(dtype: torch.dtype, target: Tensor) -> Tensor:
    """Convert a target of numbers as a training loop would; classes stay integers."""
    return target.to(dtype) if target.is_floating_point() else target


def _unseen(trial: Trial, prediction: Tensor, target: Tensor, unseen: Tensor, word: str, **call: Tensor) -> None:
    """Elements that do not count have no gradient and no say."""
    if unseen.dim() < prediction.dim():
        unseen = unseen.unsqueeze(1).expand_as(prediction)
    gradient = probes.slope(lambda p: trial.subject(p, target, **call), prediction).where(unseen, 0)
    worst = int(gradient.abs().argmax())
    require(
        not gradient.any(),
        f"{probes.place('prediction', prediction, worst)} is {word}, yet has gradient {gradient.flatten()[worst]:.6g}",
    )
    changed = torch.where(unseen, prediction * -2 + 1, prediction)
    value, after = trial.subject(prediction, target, **call), trial.subject(changed, target, **call)
    probes.agree(f"the value with other {word} predictions", after, value, rtol=0, atol=0, source="the call before")
