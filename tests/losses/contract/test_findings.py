"""Each promise a user's loss is held to: kept by a good loss, broken in words by one made to break it."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from piste.losses.contract import Finding, run_contract


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(logits.float() if logits.dtype == torch.float16 else logits, target)


def masked_error(
    prediction: Tensor, target: Tensor, *, mask: Tensor | None = None, sample_weight: Tensor | None = None
):
    weight = torch.ones_like(prediction)
    weight = weight if mask is None else weight * mask
    weight = weight if sample_weight is None else weight * sample_weight
    total = weight.sum(dtype=torch.float64)
    error = (prediction.double() - target.double()).square()
    return (weight * error).sum() / total.where(total > 0, 1)


def binary(logits: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, target)


@pytest.mark.parametrize(
    ("good", "task"),
    [
        (cross_entropy, "segmentation"),
        (cross_entropy, "classification"),
        (binary, "segmentation"),
        (binary, "classification"),
        (nn.L1Loss(), "restoration"),
        (nn.HuberLoss(), "regression"),
        (masked_error, "regression"),
    ],
)
def test_a_good_loss_keeps_every_promise(good, task: str) -> None:
    findings = run_contract(good, task)
    assert [finding for finding in findings if not finding.ok] == []
    assert len(findings) >= 11 + 4 * (good is masked_error)


class Memory(nn.Module):
    calls = 0

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        self.calls += 1
        return cross_entropy(logits, target) * self.calls


class WrongSlope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits):
        return logits.clone()

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


def writes_its_input(logits: Tensor, target: Tensor) -> Tensor:
    target.data.view(-1)[0] = 1 - target.view(-1)[0]
    return cross_entropy(logits, target)


def switches_gradients_on(logits: Tensor, target: Tensor) -> Tensor:
    torch.set_grad_enabled(True)
    return cross_entropy(logits, target)


def drops_the_background(logits: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(logits[:, 1:].double(), (target - 1).clamp(min=0))


def off_by_one(logits: Tensor, target: Tensor) -> Tensor:
    return cross_entropy(logits, (target + 1) % logits.shape[1])


def merges_two_labels(logits: Tensor, target: Tensor) -> Tensor:
    return cross_entropy(logits, target.clamp(max=1))


def naive_log(logits: Tensor, target: Tensor) -> Tensor:
    return -logits.softmax(1).gather(1, target.unsqueeze(1)).log().mean()


def sharp_focal(logits: Tensor, target: Tensor) -> Tensor:
    log_p = -F.cross_entropy(logits, target, reduction="none")
    return ((1 - log_p.exp()) ** 0.5 * -log_p).mean()


def dice(logits: Tensor, target: Tensor) -> Tensor:
    probs = logits.sigmoid()
    return 1 - 2 * (probs * target).sum() / (probs.sum() + target.sum() + 1e-7)


def syncs(logits: Tensor, target: Tensor) -> Tensor:
    value = cross_entropy(logits, target)
    return value * 2 if value.item() > 1 else value * 2.0


def unmasked(prediction: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
    return (prediction - target).square().mean() if mask is None else (prediction - target * mask).square().mean()


def reads_under_the_mask(prediction: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
    error = (prediction - target).square()
    error = error if mask is None else error * mask
    return error.mean() / prediction.detach().square().mean()


def empty_mean(prediction: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
    error = (prediction - target).square()
    return error.mean() if mask is None else (error * mask).sum() / mask.sum()


def pays_for_nothing(prediction: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
    error = (prediction - target).square()
    return error.mean() if mask is None else (error * mask + 1).mean()


def adds_the_weight(prediction: Tensor, target: Tensor, *, sample_weight: Tensor | float = 0.0) -> Tensor:
    return ((prediction - target).square() * (1 + sample_weight)).mean()


GRADIENT = "its gradient is right"
MASK = "a masked element has no influence"
BROKEN = {
    "refuses": (
        lambda logits, target: F.binary_cross_entropy(logits, target),
        "segmentation",
        "it can be called as the task calls it",
        "with sigmoid: logits and target [N, 1, *S], target 0.0 or 1.0 it raised RuntimeError: all elements of input",
    ),
    "unreduced": (
        lambda logits, target: F.cross_entropy(logits, target, reduction="none"),
        "segmentation",
        "it returns one number",
        "shape (2, 7, 5), not one number",
    ),
    "plain float": (
        lambda p, t: (p - t).square().mean().item(),
        "regression",
        "it returns one number",
        "returned float",
    ),
    "integer": (
        lambda p, t: (p > t).sum(),
        "regression",
        "it returns one number",
        "torch.int64, which has no gradient",
    ),
    "argmax": (
        lambda logits, target: (logits.argmax(1) != target).double().mean(),
        "segmentation",
        "it has a gradient",
        "an argmax, a threshold, .detach() or .item()",
    ),
    "gradient elsewhere": (
        lambda p, t: ((p.detach() - t) * torch.ones(1, requires_grad=True)).square().mean(),
        "regression",
        "it has a gradient",
        "none that reaches the prediction",
    ),
    "writes": (writes_its_input, "classification", "a call changes nothing outside", "target was changed in place"),
    "grad mode": (
        switches_gradients_on,
        "classification",
        "a call changes nothing outside",
        "gradients were switched on and left so",
    ),
    "dice thrown": (
        lambda p, t: (p - t).square().mean() * torch.rand(()),
        "regression",
        "a call changes nothing outside",
        "random numbers were drawn",
    ),
    "memory": (Memory(), "classification", "it answers the same on every call", "the value of a second call is"),
    "no background": (drops_the_background, "segmentation", "it reads the prediction", "channel 0 of the prediction"),
    "merged labels": (
        merges_two_labels,
        "segmentation",
        "it reads the target",
        "changing every target 1 to 2 leaves the value at",
    ),
    "off by one": (
        off_by_one,
        "segmentation",
        "a right answer costs less than a wrong one",
        "on a mixed target the right answer costs 4.",
    ),
    "free false alarm": (
        dice,
        "segmentation",
        "a false alarm on an empty image has a price",
        "predicting it everywhere costs 1, nowhere 1: false alarms there are free",
    ),
    "doubled slope": (
        lambda logits, target: cross_entropy(WrongSlope.apply(logits), target),
        "classification",
        GRADIENT,
        "the gradient at prediction[",
    ),
    "wrong slope in float32": (
        lambda logits, target: cross_entropy(WrongSlope.apply(logits.float()), target),
        "classification",
        GRADIENT,
        "finite differences gives",
    ),
    "infinite value": (
        naive_log,
        "segmentation",
        "it stays finite at extremes",
        "predictions of size 100, mixed: the value is inf",
    ),
    "infinite slope": (
        sharp_focal,
        "classification",
        "it stays finite at extremes",
        "the value is finite, but the gradient at prediction[",
    ),
    "half": (dice, "segmentation", "it works in half precision", "float16 gives"),
    "host sync": (syncs, "classification", "it compiles whole", "torch.compile(fullgraph=True) refuses it: "),
    "mask in part": (unmasked, "regression", MASK, "is masked, yet has gradient"),
    "mask read": (reads_under_the_mask, "regression", MASK, "the value with other masked predictions is"),
    "empty mean": (empty_mean, "regression", "an all masked batch costs nothing", "the value is nan, not 0"),
    "empty price": (pays_for_nothing, "regression", "an all masked batch costs nothing", "the value is 1, not 0"),
    "weights added": (
        adds_the_weight,
        "regression",
        "an element of weight zero has no influence",
        "is weightless, yet has gradient",
    ),
    "weights of one": (
        adds_the_weight,
        "regression",
        "sample weights of one equal none",
        "the value with weights of 1 is",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_loss_is_found_out_in_words(name: str) -> None:
    subject, task, promise, words = BROKEN[name]
    findings = {finding.promise: finding for finding in run_contract(subject, task)}
    finding = findings[promise]
    assert not finding.ok
    assert words in finding.message
    assert "\n" not in finding.message


def test_every_promise_has_a_loss_that_breaks_it() -> None:
    kept = {finding.promise for finding in run_contract(masked_error, "regression")}
    kept |= {finding.promise for finding in run_contract(binary, "segmentation")}
    assert kept == {promise for _, _, promise, _ in BROKEN.values()}


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(ValueError, match="`task` must be one of classification, segmentation"):
        run_contract(cross_entropy, "detektion")


def test_a_subject_that_fails_later_is_a_finding_not_a_crash() -> None:
    def single_precision(p: Tensor, t: Tensor) -> Tensor:
        if p.dtype != torch.float64:
            raise KeyError("only double\nand a second line")
        return (p - t).square().mean()

    findings = run_contract(single_precision, "regression")
    assert (
        Finding("it works in half precision", False, "it raised KeyError: 'only double\\nand a second line'")
        in findings
    )
