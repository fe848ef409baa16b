"""Promises about numbers: finite for every logit up to 1e4, half precision, autocast, large images."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from math import inf

import torch

from piste.losses.contract import probes
from piste.losses.contract.forms import bound, value
from piste.losses.contract.probes import require
from piste.losses.contract.promise import Setting, promise
from piste.losses.spec import Between

DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def _corners(setting: Setting) -> Iterator[Setting]:
    """The setting itself, and with the ends of the search space for the keywords that it leaves open."""
    ends = {
        name: (space.low, space.high) if isinstance(space, Between) else space.values
        for name, space in setting.spec.search.items()
        if name not in setting.keywords
    }
    yield setting
    for corner in product(*ends.values()) if ends and setting.is_default else ():
        yield replace(setting, keywords={**setting.keywords, **dict(zip(ends, corner, strict=True))})


@promise()
def everything_is_finite(setting: Setting) -> None:
    """Value and gradient, in float32, bfloat16 and float16, for logits up to 1e4 and the search space's corners."""
    for corner in _corners(setting):
        loss = corner.build()
        for kind, dtype in product(setting.kinds, DTYPES):
            for words, drawn in setting.extremes(kind):
                extreme = drawn.to(dtype)
                try:
                    probes.stays_finite(bound(loss, extreme), extreme.prediction)
                except AssertionError as broken:
                    message = f"{loss!r} in {dtype}, {kind} target, logits {words}: {broken}"
                    raise AssertionError(message) from None


def _has_no_ceiling(setting: Setting) -> bool:
    """Whether every element's cost grows without end, and every element counts."""
    return (
        setting.elementwise
        and setting.spec.unit == "element"
        and setting.spec.value_range[1] == inf
        and setting.get("ignore_index") is None
    )


@promise(applies=_has_no_ceiling)
def a_sure_mistake_still_has_a_slope(setting: Setting) -> None:
    """Where the cost has no ceiling, neither logits nor probabilities are clipped: the way back is never flat."""
    loss = setting.build()
    for kind, dtype in product(setting.kinds, DTYPES):
        for words, drawn in setting.extremes(kind, (30.0, 100.0, 1e4)):
            if words.startswith("wrong"):
                extreme = drawn.to(dtype)
                slope = probes.slope(bound(loss, extreme), extreme.prediction)
                steepest = slope.abs().amax(1, keepdim=True) if kind in ("index", "soft") else slope
                flat = (steepest == 0).flatten()
                place = probes.place("element", steepest, int(flat.int().argmax()))
                require(not flat.any(), f"logits {words}, in {dtype}, {kind} target: {place} is wrong and has no slope")


@promise()
def half_precision_is_computed_in_float32(setting: Setting) -> None:
    """The same numbers give the same value in half as in float32, on an image too large for a sum in float16 too."""
    loss = setting.build()
    for kind in setting.kinds:
        for dtype in (torch.bfloat16, torch.float16):
            for drawn in (*setting.example(kind).calls(), setting.example(kind, "large")):
                half = drawn.to(dtype)
                got, expected = value(loss, half), value(loss, half.to(torch.float32))
                rtol = torch.finfo(got.dtype).eps * 4
                name = f"the value in {dtype} on {drawn}"
                probes.agree(name, got, expected, rtol=rtol, atol=1e-6, source="float32")
                gradient = probes.slope(bound(loss, half), half.prediction)
                require(gradient.dtype == dtype, f"the gradient of a {dtype} prediction is {gradient.dtype}")
                require(bool(gradient.isfinite().all()), f"the gradient in {dtype} on {drawn} is not finite")


@promise()
def float32_is_close_to_float64(setting: Setting) -> None:
    """On an image of 95477 elements (or as many of what the loss prices) float32 loses no more than rounding."""
    loss = setting.build()
    for kind in setting.kinds:
        drawn = setting.example(kind, "large").to(torch.float32)
        exact = drawn.to(torch.float64)
        got, expected = value(loss, drawn), value(loss, exact)
        require(got.dtype == torch.float32, f"the value of a float32 prediction is {got.dtype}")
        probes.agree(f"the value in float32 on {drawn}", got, expected, rtol=1e-5, atol=1e-7, source="float64")
        slopes = [probes.slope(bound(loss, each), each.prediction) for each in (drawn, exact)]
        scale = float(slopes[1].abs().max())
        probes.agree("the gradient in float32 at prediction", *slopes, rtol=1e-3, atol=1e-5 * scale, source="float64")


@promise()
def autocast_changes_nothing(setting: Setting) -> None:
    """Inside `torch.autocast` the value is that of float32."""
    loss = setting.build()
    for kind in setting.kinds:
        for drawn in setting.example(kind).calls():
            single = drawn.to(torch.float32)
            expected = value(loss, single)
            for dtype in (torch.bfloat16, torch.float16):
                with torch.autocast("cpu", dtype=dtype):
                    got = value(loss, single)
                    gradient = probes.slope(bound(loss, single), single.prediction)
                probes.agree(
                    f"the value under autocast to {dtype}", got, expected, rtol=1e-6, atol=1e-9, source="float32"
                )
                require(bool(gradient.isfinite().all()), f"the gradient under autocast to {dtype} is not finite")
