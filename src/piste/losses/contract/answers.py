"""Promises about what is right: worked cases, the reference's value and gradient, the declared range."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise, product
from math import isfinite

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.contract import probes
from piste.losses.contract.forms import Example, bound, value
from piste.losses.contract.probes import Value, require
from piste.losses.contract.promise import Setting, promise


def _has_reference(setting: Setting) -> bool:
    """Whether the reference speaks of the setting: that of a whole batch knows no keywords of the bases."""
    known = {"activation", "ignore_index", *setting.spec.hyper}
    return setting.spec.unit != "whole" or setting.keywords.keys() <= known


@promise(applies=lambda setting: setting.is_default)
def worked_cases_come_out(setting: Setting) -> None:
    """Each case that a reader can redo by hand has the value it claims."""
    for case in setting.spec.cases:
        got = value(replace(setting, keywords=case.arguments).build(), setting.form.of_case(case))
        expected = torch.tensor(case.expected, dtype=torch.float64)
        name = f"the value of {dict(case.arguments)} on {case.prediction}, {case.target}"
        probes.agree(name, got, expected, rtol=1e-9, atol=1e-12, source=case.why)


@promise(applies=_has_reference)
def value_is_that_of_the_reference(setting: Setting) -> None:
    """In float64, with many classes, random labels, masks, weights and every reduction, and for sure answers too."""
    for kind in setting.kinds:
        called = (each for drawn in setting.examples(kind) for each in drawn.calls())
        sure = (drawn for _, drawn in setting.extremes(kind, (0.0, 1e4)))  # between them 1 - p loses its digits
        for drawn, reduction in product((*called, *sure), setting.reductions):
            reduced = setting.reduced(reduction)
            try:
                expected = reduced.plain(drawn)
            except ValueError:  # the logarithm of a probability that is 0
                continue
            name = f"the {reduction} on {drawn}"
            got = value(reduced.build(), drawn)
            probes.agree(name, got, expected, rtol=1e-9, atol=1e-11, source="the reference in plain Python")


@promise()
def gradient_is_that_of_finite_differences(setting: Setting) -> None:
    """Autograd differentiates what is computed: nothing is detached that should not be."""
    loss = setting.build()
    for kind in setting.kinds:
        plain, *called = setting.example(kind, "small").calls()
        for drawn in (plain, *called[-1:]):
            probes.gradient_is_right(bound(loss, drawn), drawn.prediction)


@promise(applies=lambda setting: setting.is_default)
def gradient_can_be_differentiated_again(setting: Setting) -> None:
    """What flatness, sharpness and gradient penalties need: the second derivative is that of finite differences."""
    loss = setting.build()
    for kind in setting.kinds:
        *_, drawn = setting.example(kind, "small").calls()
        direction = torch.linspace(-1, 1, drawn.prediction.numel()).to(drawn.prediction).view_as(drawn.prediction)
        probes.gradient_is_right(partial(_along, bound(loss, drawn), direction), drawn.prediction)


def _along(value: Value, direction: Tensor, prediction: Tensor) -> Tensor:
    """Slope of a value in one direction, as something that has a gradient itself, though it may be 0."""
    with torch.enable_grad():
        leaf = prediction if prediction.requires_grad else prediction.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(value(leaf), leaf, create_graph=True)
        return (gradient * direction).sum() + 0 * leaf.sum()


@promise(applies=_has_reference)
def gradient_is_that_of_the_reference(setting: Setting) -> None:
    """The gradient is that of the paper's formula, by finite differences of the slow reference."""
    loss = setting.build()
    for kind in setting.kinds:
        *_, drawn = setting.example(kind, "small").calls()
        expected = probes.differences(partial(_slow, setting, drawn), drawn.prediction, probes.STEP[torch.float64])
        got = probes.slope(bound(loss, drawn), drawn.prediction)
        probes.agree(
            f"the gradient on {drawn} at prediction", got, expected, rtol=1e-5, atol=1e-8, source="the reference"
        )


def _slow(setting: Setting, drawn: Example, prediction: Tensor) -> Tensor:
    """The reference as a function of the prediction alone."""
    return setting.plain(replace(drawn, prediction=prediction))


def _on_extremes(setting: Setting) -> Iterator[tuple[str, float]]:
    """The mean on every extreme input, in words and as a number."""
    loss = setting.reduced("mean").build()
    for kind in setting.kinds:
        for words, drawn in setting.extremes(kind):
            for each in drawn.calls():
                yield f"the value on {each}, logits {words},", value(loss, each).item()


@promise()
def value_lies_in_its_declared_range(setting: Setting) -> None:
    """The mean lies in `value_range`, whatever comes in."""
    low, high = setting.spec.value_range
    for words, got in _on_extremes(setting):
        slack = 1e-9 * max(1.0, abs(got))
        require(low - slack <= got <= high + slack, f"{words} is {got:.9g}, outside [{low:g}, {high:g}]")


@promise(applies=lambda setting: setting.is_default)
def declared_range_is_no_wider_than_need_be(setting: Setting) -> None:
    """The right answer comes near its low end and a wrong one near its high end: within 1 %, or past 100."""
    low, high = setting.spec.value_range
    found = [got for _, got in _on_extremes(setting)]
    margin = 0.01 * (high - low) if isfinite(high - low) else 0.01
    least, most = (low + margin if isfinite(low) else -100.0), (high - margin if isfinite(high) else 100.0)
    require(min(found) <= least, f"no value comes below {min(found):.6g}; declared is {low:g}")
    require(max(found) >= most, f"no value comes above {max(found):.6g}; declared is {high:g}")


@promise(applies=lambda setting: setting.elementwise and setting.activation is not None and len(setting.kinds) == 2)
def soft_labels_equal_hard_ones_at_one_hot(setting: Setting) -> None:
    """A label that is certain costs the same however it is written: class id, integer, bool or share."""
    loss = setting.build()
    hard, _ = setting.kinds
    for drawn in setting.example(hard).calls():
        classes = drawn.prediction.shape[1]
        soft = drawn.target
        if hard == "index":
            soft = F.one_hot(drawn.target, classes).movedim(-1, 1)
        forms = [drawn.target, soft.double(), *([soft.bool()] if hard == "hard" else [drawn.target.int()])]
        got = [value(loss, replace(drawn, target=form)) for form in forms]
        for (form, a), (other, b) in pairwise(zip(forms, got, strict=True)):
            probes.agree(
                f"the value with a target of {other.dtype}", b, a, rtol=1e-9, atol=1e-12, source=f"{form.dtype}"
            )
