"""Losses made for the contract to judge: an honest one, and one for each way of breaking a promise."""

from collections.abc import Callable
from dataclasses import replace
from math import log
from typing import Any, final

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.base import Loss
from piste.losses.labels.base import LabelLoss
from piste.losses.spec import Between, Case, LossSpec


def surprise_as_printed(probs: list[float], target: list[float], scale: float) -> float:
    return scale * sum(-y * log(p) for p, y in zip(probs, target, strict=True))


class Open(LabelLoss):
    """Cross-entropy times a scale, open to subclasses."""

    def __init__(self, *, scale=1.0, activation="softmax", weight=None, ignore_index=None, reduction="mean") -> None:
        super().__init__(activation=activation, weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.scale = number("scale", scale, "a factor", low=0.0)

    def phi(self, log_p: Tensor) -> Tensor:
        return -self.scale * log_p


@final
class Surprise(Open):
    """Cross-entropy times a scale.

    Args:
        scale: A factor, >= 0.
    """


def declared(cls: type[Loss], **facts: Any) -> LossSpec:
    """A spec of a label loss with the scale of `Open`, which is filed nowhere."""
    usual = {
        "family": "labels",
        "targets": ("index", "soft", "labels"),
        "unit": "element",
        "reference": surprise_as_printed,
        "value_range": (0.0, float("inf")),
        "search": {"scale": Between(0.5, 2.0)},
        "cases": (Case({"scale": 2.0}, [[log(3), 0.0]], [0], 2 * log(4 / 3), "2 * -ln 3/4"),),
        "variants": (),
        "waivers": {},
    }
    facts = {**usual, **facts}
    return LossSpec(name=cls.__name__.lower(), cls=cls, tasks=(), source="here", tendency="neither", **facts)


SURPRISE = declared(Surprise, variants=({"scale": 3.0},))


def calling(forward: Callable[..., Tensor]) -> LossSpec:
    """`Open` called through `forward(loss, honest, logits, target, mask, sample_weight)`."""

    def call(self, logits, target, *, mask=None, sample_weight=None):
        def honest(logits, target, mask, sample_weight):
            return Open.forward(self, logits, target, mask=mask, sample_weight=sample_weight)

        return forward(self, honest, logits, target, mask, sample_weight)

    return declared(final(type("Planted", (Open,), {"forward": call})))


class WrongSlope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits):
        return logits.clone()

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


def doubles_the_slope(loss, honest, logits, *rest):
    return honest(WrongSlope.apply(logits), *rest)


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits):
        return logits.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient.detach()


def differentiates_once(loss, honest, logits, *rest):
    return honest(Once.apply(logits), *rest)


def charges_more_for_soft_labels(loss, honest, logits, target, *rest):
    return honest(logits, target, *rest) * (1.01 if target.is_floating_point() else 1.0)


def doubles_the_slope_of_weights(loss, honest, logits, target, mask, sample_weight):
    return honest(logits if sample_weight is None else WrongSlope.apply(logits), target, mask, sample_weight)


def drops_the_mask(loss, honest, logits, target, mask, sample_weight):
    return honest(logits, target, None, sample_weight)


def drops_the_sample_weight(loss, honest, logits, target, mask, sample_weight):
    return honest(logits, target, mask, None)


def divides_by_all_targets(loss, honest, logits, target, mask, sample_weight):
    """What is masked has no gradient, yet its target is read."""
    value = honest(logits, target, mask, sample_weight)
    return value / (1 + target.double().nan_to_num(9).mean())


def reads_what_is_ignored(loss, honest, logits, target, *rest):
    value = honest(logits, target, *rest)
    return value if loss.ignore_index is None else value * (1 + logits.square().mean())


def lifts_every_weight(loss, honest, logits, target, mask, sample_weight):
    return honest(logits, target, mask, None if sample_weight is None else sample_weight + 0.1)


def divides_by_what_counts(loss, honest, logits, target, mask, sample_weight):
    value = honest(logits, target, mask, sample_weight)
    return value if mask is None else value * (mask.sum() / mask.sum())


def charges_for_an_empty_batch(loss, honest, *arguments):
    return honest(*arguments) + 1


def charges_for_weights(loss, honest, logits, target, mask, sample_weight):
    return honest(logits, target, mask, sample_weight) * (1.0 if sample_weight is None else 1.01)


def multiplies_by_the_weights(loss, honest, logits, target, mask, sample_weight):
    value = honest(logits, target, mask, sample_weight)
    return value if sample_weight is None else value * sample_weight.double().mean()


def halves_the_sum(loss, honest, *arguments):
    return honest(*arguments) / (2 if loss.reduction == "sum" else 1)


def pools_the_batch(loss, honest, logits, *rest):
    return honest(logits, *rest) + logits.square().mean()


def favours_the_first_class(loss, honest, logits, *rest):
    return honest(logits, *rest) + logits[:, 0].square().mean()


def goes_through_exp(loss, honest, logits, *rest):
    return honest(logits.exp().log(), *rest)


def clips_logits(loss, honest, logits, *rest):
    return honest(logits.clamp(-50, 50), *rest)


def rounds_float16(loss, honest, logits, *rest):
    return honest(logits.bfloat16().half() if logits.dtype == torch.float16 else logits, *rest)


def rounds_float32(loss, honest, logits, *rest):
    return honest(logits.bfloat16().float() if logits.dtype == torch.float32 else logits, *rest)


def answers_in_float64(loss, honest, *arguments):
    return honest(*arguments).double()


def multiplies_matrices(loss, honest, logits, *rest):
    flat = logits.flatten(1)
    return honest((flat @ torch.eye(flat.shape[1], dtype=flat.dtype)).view_as(logits), *rest)


def waits_for_the_device(loss, honest, *arguments):
    value = honest(*arguments)
    return value + 0.0 if value.sum().item() > 0 else value


def indexes_by_truth(loss, honest, logits, *rest):
    return honest(logits, *rest) + 0 * logits[logits > 0].sum()


def writes_its_input(loss, honest, logits, *rest):
    if not logits.requires_grad:
        logits.mul_(1.5)
    return honest(logits, *rest)


def remembers_the_batch(loss, honest, logits, target, *rest):
    loss.last = target
    return honest(logits, target, *rest)


def overrules_no_grad(loss, honest, *arguments):
    with torch.enable_grad():
        return honest(*arguments)


def broadcasts(loss, honest, logits, target, *rest):
    return honest(logits, target.expand(logits.shape[0], *target.shape[1:]), *rest)


def rounds_shares(loss, honest, logits, target, *rest):
    if loss.ignore_index is not None and target.is_floating_point():
        target = target.argmax(1) if target.dim() and loss.activation == "softmax" else target.round().long()
    return honest(logits, target, *rest)


def stretches_class_weights(loss, honest, *arguments):
    fitting = Surprise(activation=loss.activation, ignore_index=loss.ignore_index, reduction=loss.reduction)
    logits, target, mask, sample_weight = arguments
    return fitting(logits, target, mask=mask, sample_weight=sample_weight)


class NotFinal(Open):
    """Forgot to be final."""


class Unread(Open):
    """Takes a scale and does nothing with it."""

    def phi(self, log_p: Tensor) -> Tensor:
        return -log_p


class Fixed(LabelLoss):
    """Has a bound that moves, which compilers take for a constant."""

    def __init__(self, *, scale: float = 1.0, **common) -> None:
        super().__init__(**common)
        self.scale = number("scale", scale, "a factor", low=0.0)

    def phi(self, log_p: Tensor) -> Tensor:
        return -log_p.clamp(min=-self.scale)


class Secretive(Open):
    """Holds what cannot be pickled."""

    def __init__(self, **keywords) -> None:
        super().__init__(**keywords)
        self.price = lambda log_p: -log_p


class Hoarding(Open):
    """Puts into checkpoints what it could make anew."""

    def __init__(self, **keywords) -> None:
        super().__init__(**keywords)
        self.register_buffer("seen", torch.zeros(()))


class Forgetful(Open):
    """Prints itself without its scale."""

    def __repr__(self) -> str:
        return f"Forgetful(activation={self.activation!r}, weight={self.weight!r}, ignore_index={self.ignore_index!r})"


class Rescaled(LabelLoss):
    """Keeps twice the scale it was given."""

    phi = Open.phi

    def __init__(self, *, scale: float = 1.0, **common) -> None:
        super().__init__(**common)
        self.scale = 2 * scale


class Trusting(LabelLoss):
    """Takes any scale."""

    phi = Open.phi

    def __init__(self, *, scale: float = 1.0, **common) -> None:
        super().__init__(**common)
        self.scale = scale


class Boastful(Open):
    """Says more than it checks.

    Args:
        scale: A factor, >= 1.
    """


class Positional(LabelLoss):
    """Can be built without saying what a number means."""

    phi = Open.phi

    def __init__(self, scale: float = 1.0, **common) -> None:
        super().__init__(**common)
        self.scale = number("scale", scale, "a factor", low=0.0)


def of_the_next_class(probs: list[float], target: list[float], scale: float) -> float:
    return surprise_as_printed(probs, target[1:] + target[:1], scale)


WRONG_CASE = Case({}, [[0.0, 0.0]], [0], 0.5, "one half, it says")

PLANTED: dict[str, list[tuple[LossSpec, str]]] = {
    "worked_cases_come_out": [(replace(SURPRISE, cases=(WRONG_CASE,)), "is 0.693147181; one half, it says gives 0.5")],
    "value_is_that_of_the_reference": [(replace(SURPRISE, reference=of_the_next_class), "the mean on index target")],
    "gradient_is_that_of_finite_differences": [(calling(doubles_the_slope), "finite differences gives")],
    "gradient_is_that_of_the_reference": [(calling(doubles_the_slope), "the reference gives")],
    "gradient_can_be_differentiated_again": [(calling(differentiates_once), "finite differences gives")],
    "value_lies_in_its_declared_range": [(replace(SURPRISE, value_range=(0.0, 1.0)), "outside [0, 1]")],
    "declared_range_is_no_wider_than_need_be": [
        (replace(SURPRISE, value_range=(-1.0, float("inf"))), "no value comes below 0; declared is -1"),
        (replace(SURPRISE, value_range=(0.0, 1e9)), "no value comes above"),
    ],
    "soft_labels_equal_hard_ones_at_one_hot": [(calling(charges_more_for_soft_labels), "a target of torch.float64")],
    "what_is_masked_has_no_influence": [
        (calling(drops_the_mask), "is masked, yet has gradient"),
        (calling(divides_by_all_targets), "the mean with other numbers at what is masked is"),
    ],
    "what_is_ignored_has_no_influence": [(calling(reads_what_is_ignored), "is ignored by ignore_index=255, yet has")],
    "what_weighs_nothing_has_no_influence": [(calling(lifts_every_weight), "is of weight 0, yet has gradient")],
    "nothing_to_count_costs_exactly_nothing": [
        (calling(divides_by_what_counts), "with everything masked the value is nan, not 0"),
        (calling(charges_for_an_empty_batch), "with everything masked the value is 1.0, not 0"),
    ],
    "weights_of_one_equal_none": [
        (calling(charges_for_weights), "the value with sample weights of 1 is"),
        (calling(doubles_the_slope_of_weights), "the gradient with sample weights of 1 at prediction["),
    ],
    "a_mask_equals_weights_of_zero_and_one": [(calling(charges_for_weights), "the mask gives")],
    "scale_of_weights_changes_no_mean": [(calling(multiplies_by_the_weights), "the mean with sample weights x 0.001")],
    "reductions_agree": [(calling(halves_the_sum), 'the total of "none" gives')],
    "an_image_scores_the_same_alone_and_in_a_batch": [(calling(pools_the_batch), "the cost of image 0 of")],
    "classes_may_change_places": [(calling(favours_the_first_class), "with classes in the order [1, 2, 0]")],
    "everything_is_finite": [(calling(goes_through_exp), "logits mixed, of size 100: the value is")],
    "a_sure_mistake_still_has_a_slope": [(calling(clips_logits), "logits wrong, of size 100, in torch.float32")],
    "half_precision_is_computed_in_float32": [(calling(rounds_float16), "the value in torch.float16 on")],
    "float32_is_close_to_float64": [
        (calling(rounds_float32), "in float32"),
        (calling(answers_in_float64), "the value of a float32 prediction is torch.float64"),
    ],
    "autocast_changes_nothing": [(calling(multiplies_matrices), "the value under autocast to torch.bfloat16")],
    "compiled_equals_eager": [(calling(waits_for_the_device), "torch.compile(fullgraph=True) refuses it: ")],
    "kernels_of_inductor_equal_eager": [(calling(waits_for_the_device), "torch.compile(fullgraph=True) refuses it: ")],
    "a_keyword_that_moves_is_not_compiled_anew": [(declared(Fixed), "moving `scale` compiles it anew: ")],
    "nothing_waits_for_the_device": [
        (calling(waits_for_the_device), "it calls aten::_local_scalar_dense"),
        (calling(indexes_by_truth), "it calls aten::index"),
    ],
    "it_can_be_put_away_and_taken_out": [
        (declared(Secretive), "pickle"),
        (declared(Hoarding), "its state_dict holds seen"),
    ],
    "its_repr_is_the_call_that_made_it": [
        (declared(Forgetful, variants=({"scale": 3.0},)), "rebuilt from its repr, `scale` became 1.0, from 3.0"),
    ],
    "arguments_stand_as_given": [(declared(Rescaled), "`scale` is 2.0, given as 1.0")],
    "a_call_changes_nothing": [
        (calling(writes_its_input), "the value of a second call"),
        (calling(remembers_the_batch), "a call changed the loss"),
        (calling(overrules_no_grad), "it overrules no_grad"),
    ],
    "it_cannot_be_subclassed": [(declared(NotFinal), "NotFinal can be subclassed")],
    "every_keyword_changes_something": [
        (declared(Unread), "`scale` changes nothing on any example"),
        (declared(Surprise, search={}), "nothing tries `scale`"),
    ],
    "mask_and_sample_weight_change_something": [(calling(drops_the_sample_weight), "is that without sample_weight")],
    "nonsense_for_a_keyword_is_refused_by_name": [
        (declared(Trusting), "scale='nonsense' is accepted"),
        (declared(Positional), "a positional argument is accepted"),
    ],
    "what_lies_outside_a_keyword_s_range_is_refused_by_name": [
        (declared(Boastful), "scale=0.999 is accepted, outside the range that is said: Boastful(scale=0.999)"),
        (declared(Rescaled), "nothing says which numbers `scale` may be"),
    ],
    "what_does_not_fit_is_refused": [(calling(broadcasts), "one target for two images is accepted")],
    "an_ignored_label_among_shares_is_refused": [(calling(rounds_shares), "ignore_index=1 is accepted with a soft")],
    "class_weights_of_another_length_are_refused": [
        (calling(stretches_class_weights), "2 class weights are accepted for 3 classes")
    ],
}
"""For each promise the losses that break it, and words from what is said about it."""
