"""Promises about arguments: each one matters, nonsense is refused by name, and so is what does not fit."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from piste.losses.contract.forms import Example, value
from piste.losses.contract.probes import require
from piste.losses.contract.promise import Setting, promise, settings
from piste.losses.spec import Between

COMMON_VALUES: dict[str, tuple[Any, ...]] = {
    "reduction": ("sum", "none"),
    "ignore_index": (1,),
    "weight": ([0.5, 2.0, 1.0],),
    "per_image": (True,),
    "classes": ([0], [2, 0]),
    "absent": ("skip", "area", "formula"),
}


def _values(setting: Setting, keyword: str) -> list[Any]:
    """Values worth giving to a keyword: those of the settings, of the search space, and of every base."""
    listed = [other.keywords[keyword] for other in settings(setting.spec) if keyword in other.keywords]
    space = setting.spec.search.get(keyword)
    found = () if space is None else (space.low, space.high) if isinstance(space, Between) else space.values
    return [*listed, *found, *COMMON_VALUES.get(keyword, ())]


def _differ(setting: Setting, other: Setting) -> bool:
    """Whether two settings disagree about any example."""
    for kind in setting.kinds:
        if kind not in other.kinds:
            return True
        for drawn in (setting.example(kind), *setting.examples(kind)):
            one, two = value(setting.build(), drawn), value(other.build(), drawn)
            if one.shape != two.shape or not torch.allclose(one, two, rtol=1e-6, atol=1e-9):
                return True
    return False


@promise(applies=lambda setting: setting.is_default)
def every_keyword_changes_something(setting: Setting) -> None:
    """No keyword is accepted and then not read."""
    for keyword in setting.spec.parameters:
        if keyword in ("activation", "weights"):
            continue  # every other promise is tried with each activation; a network's weights are in a file
        tried = [value for value in _values(setting, keyword) if value != setting.get(keyword)]
        require(bool(tried), f"nothing tries `{keyword}`: add a variant or a search space")
        changed, refusals = False, []
        for given in tried:
            other = Setting(setting.spec, {**setting.keywords, keyword: given})
            try:
                changed = changed or _differ(setting, other)
            except ValueError as error:
                refusals.append(error)
        if len(refusals) < len(tried):
            require(changed, f"`{keyword}` changes nothing on any example, tried with {tried}")


@promise(applies=lambda setting: bool(setting.form.takes))
def mask_and_sample_weight_change_something(setting: Setting) -> None:
    """No argument of the call is accepted and then not read."""
    loss = setting.reduced("mean").build()
    for kind in setting.kinds:
        plain, *called = setting.example(kind).calls()
        for drawn in called:
            differs = not torch.allclose(value(loss, drawn), value(loss, plain), rtol=1e-6)
            require(differs, f"the value on {drawn} is that without {', '.join(drawn.call)}")


@promise(applies=lambda setting: setting.is_default)
def nonsense_for_a_keyword_is_refused_by_name(setting: Setting) -> None:
    """Each keyword refuses what it cannot mean in one line that names it; there are no positional arguments."""
    for keyword in setting.spec.parameters:
        for nonsense in ("nonsense", float("nan"), float("inf"), object()):
            try:
                loss = setting.build(**{keyword: nonsense})
            except ValueError as error:
                require(f"`{keyword}`" in str(error), f"refusing {keyword}={nonsense!r} names no `{keyword}`: {error}")
                require("\n" not in str(error), f"refusing {keyword}={nonsense!r} takes more than a line: {error}")
            else:
                raise AssertionError(f"{keyword}={nonsense!r} is accepted: {loss!r}")
    positional: Callable[[float], object] = setting.spec.cls
    try:
        positional(0.5)
    except TypeError:
        return
    raise AssertionError("a positional argument is accepted")


_RANGE = re.compile(r"in ([\[(])(-?[\d.]+), (-?[\d.]+)([\])])|([<>]=?) (-?[\d.]+)|(?<![\w.])(-?[\d.]+) (<=?) [a-z]")


def _described(setting: Setting, keyword: str) -> str:
    """What the docstring of the loss, or else of its base, says of a keyword."""
    for ancestor in setting.spec.cls.__mro__:
        arguments = inspect.cleandoc(ancestor.__doc__ or "").partition("\nArgs:\n")[2].partition("\n\n")[0]
        found = re.search(rf"^    {keyword}: (.*(?:\n     .*)*)", arguments, re.MULTILINE)
        if found:
            return " ".join(found[1].split())
    return ""


def _outside(described: str) -> Iterator[float]:
    """Numbers just outside the ranges in a description: `in [0, 1)`, `> 0`, `0 < q <= 1`."""
    for opens, low, high, closes, relation, bound, least, below in _RANGE.findall(described):
        if relation:
            step = {">": 0.0, ">=": -1e-3, "<": 0.0, "<=": 1e-3}[relation]
            yield float(bound) + step
        elif below:
            yield float(least) - (1e-3 if below == "<=" else 0.0)
        else:
            yield float(low) - (1e-3 if opens == "[" else 0.0)
            yield float(high) + (1e-3 if closes == "]" else 0.0)


@promise(applies=lambda setting: setting.is_default)
def what_lies_outside_a_keyword_s_range_is_refused_by_name(setting: Setting) -> None:
    """The legal range that the docstring gives of a number is the one that holds."""
    for keyword in setting.spec.parameters:
        tried = [other for other in settings(setting.spec) if isinstance(other.get(keyword), int | float)]
        if not tried or isinstance(tried[0].get(keyword), bool):
            continue
        described = _described(setting, keyword)
        beyond = list(_outside(described))
        told = bool(beyond) or "any number" in described or keyword == "ignore_index"
        require(told, f"nothing says which numbers `{keyword}` may be: {described}")
        for number in beyond:
            try:
                loss = tried[0].build(**{keyword: number})
            except ValueError as error:
                require(f"`{keyword}`" in str(error), f"refusing {keyword}={number:g} names no `{keyword}`: {error}")
            else:
                raise AssertionError(f"{keyword}={number:g} is accepted, outside the range that is said: {loss!r}")


def _misfits(drawn: Example) -> Iterator[tuple[str, Example]]:
    """Calls that cannot mean anything, though some would broadcast."""
    yield from drawn.form.misfits(drawn)
    ones = torch.ones(drawn.element_shape)
    for name, full in {"mask": ones > 0, "sample_weight": ones}.items():
        if name in drawn.form.takes:
            for words, shaped in {
                **({"height and width swapped": full.transpose(-1, -2)} if full.dim() > 1 else {}),
                "an axis less": full[0],
                "an axis more": full.unsqueeze(1),
                "one image too many": torch.cat((full, full[:1])),
                "no image": full[:0],
            }.items():
                yield f"a {name} with {words}", replace(drawn, call={**drawn.call, name: shaped})
    if "mask" in drawn.form.takes:
        yield "a mask of floats", replace(drawn, call={**drawn.call, "mask": ones})


@promise()
def what_does_not_fit_is_refused(setting: Setting) -> None:
    """Shapes and dtypes that do not go together raise ValueError in one line, also where they would broadcast."""
    loss = setting.build()
    for kind in setting.kinds:
        for words, wrong in _misfits(setting.example(kind)):
            try:
                got = value(loss, wrong)
            except ValueError as error:
                require("\n" not in str(error), f"refusing {words} takes more than a line: {error}")
            except Exception as error:
                raise AssertionError(f"{words} is refused only by {type(error).__name__}: {error}") from error
            else:
                raise AssertionError(f"{words} is accepted with a {kind} target and gives {got.tolist()}")


@promise(
    applies=lambda setting: (
        setting.elementwise and setting.has("ignore_index") and {"soft", "labels"} & set(setting.kinds) != set()
    )
)
def an_ignored_label_among_shares_is_refused(setting: Setting) -> None:
    """No share can be `ignore_index`: with a floating target it is refused, naming it and the mask that does it."""
    loss = setting.build(ignore_index=1)
    for kind in {"soft", "labels"} & set(setting.kinds):
        try:
            value(loss, setting.example(kind))
        except ValueError as error:
            require(
                "`ignore_index`" in str(error), f"refusing it with a {kind} target names no `ignore_index`: {error}"
            )
        else:
            raise AssertionError(f"ignore_index=1 is accepted with a {kind} target, which holds no 1 that means it")


@promise(applies=lambda setting: setting.elementwise and setting.get("weight") is not None)
def class_weights_of_another_length_are_refused(setting: Setting) -> None:
    """One number per class: one more or one less is refused, naming `weight`."""
    for kind in setting.kinds:
        drawn = setting.example(kind)
        for weight in ([1.0, 2.0], [1.0, 2.0, 3.0, 4.0], [1.0]):
            try:
                value(setting.build(weight=weight), drawn)
            except ValueError as error:
                require("`weight`" in str(error), f"refusing {len(weight)} weights names no `weight`: {error}")
            else:
                raise AssertionError(f"{len(weight)} class weights are accepted for 3 classes")
