"""The rules for a loss's keywords: each returns the argument as it was given, or says what is wrong with it."""

import math
from collections.abc import Collection, Sequence
from numbers import Real
from typing import Any, TypeVar

import torch
from torch import Tensor

from piste.losses.rules import Rule, note

Weights = Sequence[float] | Tensor
_T = TypeVar("_T")


def number(
    name: str, value: float, role: str, *, low: float = -math.inf, high: float = math.inf, above: float | None = None
) -> float:
    """A finite number of a given role, at least `low` (or more than `above`) and at most `high`.

    >>> number("alpha", -1.0, "a price", low=0.0)
    Traceback (most recent call last):
    ValueError: `alpha` is a price and must be a number >= 0; got -1.0.
    """
    smallest = low
    note(name, lambda: Rule("number", smallest, high, above))
    if above is not None:
        low, more = above, f" > {above:g}"
    else:
        more = "" if low == -math.inf else f" >= {low:g}"
    bounds = more + ("" if high == math.inf else f"{' and' if more else ''} <= {high:g}")
    fits = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value) and low <= value <= high
    if not fits or value == above:
        raise ValueError(f"`{name}` is {role} and must be a number{bounds}; got {value!r}.")
    return value


def numbers(name: str, value: float | Sequence[float], role: str, *, above: float, below: float) -> Tensor | None:
    """One number, or a list of them, each more than `above` and less than `below`: a tensor of a list, else None.

    >>> numbers("q", [0.1, 1.0], "a quantile", above=0.0, below=1.0)
    Traceback (most recent call last):
    ValueError: `q` is a quantile and must be a number > 0 and < 1, or a list of such numbers; got [0.1, 1.0].
    """
    note(name, lambda: Rule("numbers", above=above, below=below))
    several = isinstance(value, Sequence) and not isinstance(value, str)
    each: list[Any] = list(value) if several else [value]  # type: ignore[arg-type]
    if not each or not all(
        isinstance(one, Real) and not isinstance(one, bool) and above < float(one) < below for one in each
    ):
        rule = f"must be a number > {above:g} and < {below:g}, or a list of such numbers"
        raise ValueError(f"`{name}` is {role} and {rule}; got {value!r}.")
    return torch.tensor(each, dtype=torch.float32) if several else None


def one_of(name: str, value: _T, allowed: Collection[_T]) -> _T:
    """One of a few values.

    >>> one_of("reduction", "average", ("mean", "sum", "none"))
    Traceback (most recent call last):
    ValueError: `reduction` must be one of 'mean', 'sum', 'none'; got 'average'.
    """
    note(name, lambda: Rule("word", allowed=tuple(map(str, allowed))))
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, allowed))}; got {value!r}.")
    return value


def per_class(name: str, value: Weights) -> Tensor:
    """One finite number >= 0 for each class, not all 0, as a tensor in float32 (float64 if it came so).

    >>> per_class("weight", [1.0, -2.0])
    Traceback (most recent call last):
    ValueError: `weight` must be a list of numbers >= 0, one per class and not all 0; got [1.0, -2.0].
    """
    note(name, lambda: Rule("per_class", low=0.0))
    fits = isinstance(value, Tensor | Sequence) and not isinstance(value, str)
    if fits and not isinstance(value, Tensor):
        fits = all(isinstance(each, Real) and not isinstance(each, bool) for each in value)
    if fits:
        wide = isinstance(value, Tensor) and value.dtype == torch.float64
        tensor = torch.as_tensor(value).detach().to(torch.float64 if wide else torch.float32)
        if tensor.dim() == 1 and bool((tensor >= 0).all() & tensor.isfinite().all() & tensor.any()):
            return tensor
    came = value.tolist() if isinstance(value, Tensor) else value
    raise ValueError(f"`{name}` must be a list of numbers >= 0, one per class and not all 0; got {came!r}.")


def class_id(name: str, value: int | None) -> int | None:
    """An integer, or None."""
    note(name, lambda: Rule("integer"))
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f"`{name}` must be an integer or None; got {value!r}.")
    return value


def switch(name: str, value: bool) -> bool:
    """True or False."""
    note(name, lambda: Rule("switch"))
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` must be True or False; got {value!r}.")
    return value


def class_ids(name: str, value: str | Sequence[int]) -> Tensor | None:
    """Different class ids as a tensor, or None for "all".

    >>> class_ids("classes", [1, 1])
    Traceback (most recent call last):
    ValueError: `classes` must be "all" or a list of different class ids >= 0; got [1, 1].
    """
    note(name, lambda: Rule("class_ids"))
    if value == "all":
        return None
    fits = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
    if not fits or not all(type(each) is int and each >= 0 for each in value) or len(set(value)) < len(value):
        raise ValueError(f'`{name}` must be "all" or a list of different class ids >= 0; got {value!r}.')
    return torch.tensor(value)
