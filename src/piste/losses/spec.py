"""What is known about a loss, declared once beside its code and read by everything else.

`@loss(...)` files a frozen `LossSpec`; `catalogue()` lists every one by name. Contract tests, cards, the command
line, recipes, the search space and the benchmarks read it, and none keeps a list of its own.

`reference` is the loss as its paper prints it, in plain Python over floats, for the smallest unit that has a cost.
It knows the loss's own keywords (`LossSpec.hyper`) and nothing of the keywords that a base handles (`COMMON`):

- unit "element" of the labels family: `reference(probs, target, **hyper)`. One element: its class probabilities and
  a one-hot or soft target over the same classes. With sigmoid an element is the pair [1 - p, p] and its target
  [1 - y, y]. A hard label's weight multiplies the result. (Label smoothing with class weights is the one case in
  which a factor does not separate: the file of the loss says and tests what holds there.)
- unit "element" of the values family: `reference(prediction, target, **hyper)`, one number against another.
- unit "class": `reference(probs, target, element_weight, **hyper)`. One class: lists over all its elements, those of
  one image or of the batch. An element that is masked out has element_weight 0.
- unit "whole": `reference(probs, target, element_weight, activation, **hyper)` of the batch without class weights.
  Each of the three lists has, for each position of all images, a list over the classes.
- of a loss with a `call` of its own: as that form of the contract says (`piste.losses.contract.forms`).
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, TypeVar, final

import torch
from torch import nn

Unit = Literal["element", "class", "whole"]
Tendency = Literal["recall", "precision", "neither"]
TargetKind = Literal["index", "soft", "labels", "values", "maps"]

COMMON = frozenset({"activation", "weight", "ignore_index", "reduction", "per_image", "classes", "absent"})
_Class = TypeVar("_Class", bound=type[nn.Module])
_UNITS: Mapping[str, Unit] = {"labels": "element", "regions": "class", "values": "element"}
_filed: "dict[str, LossSpec]" = {}


@dataclass(frozen=True)
class Between:
    """A range of numbers worth searching, both ends included.

    Args:
        low: Smallest value.
        high: Largest value.
        log: Whether to sample evenly in the logarithm.
    """

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, init=False)
class Choice:
    """A few values worth trying.

    Args:
        *values: The values.
    """

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        object.__setattr__(self, "values", values)


class Waiver(str):
    """Why a promise cannot be kept, where that is so in some settings alone.

    Args:
        reason: Why.
        only: Words that every accepted failure says, such as "kind='ciou'".
    """

    only: str
    __slots__ = ("only",)

    def __new__(cls, reason: str, *, only: str) -> "Waiver":
        """A text, as plain reasons are."""
        waiver = super().__new__(cls, reason)
        waiver.only = only
        return waiver


@dataclass(frozen=True)
class Case:
    """A worked case: an input small enough to compute by hand, and what comes out.

    Args:
        arguments: Keywords of the loss.
        prediction: Logits (or values) as nested lists.
        target: Target as nested lists, in which integers and booleans stay what they are; several in a tuple or by
            name, or None.
        expected: The value of the loss.
        why: The arithmetic, for a reader to redo.
        call: Further arguments of the call, `mask` or `sample_weight`, as nested lists.
    """

    arguments: Mapping[str, Any]
    prediction: Any
    target: Any
    expected: float
    why: str
    call: Mapping[str, Any] = field(default_factory=dict)

    def tensors(self, dtype: torch.dtype = torch.float64) -> tuple[Any, Any, dict[str, Any]]:
        """Prediction, target and further arguments as tensors, floats in `dtype`."""
        return _tensors(self.prediction, dtype, floating=True), _tensors(self.target, dtype), _tensors(self.call, dtype)


def _tensors(nested: Any, dtype: torch.dtype, *, floating: bool = False) -> Any:
    """Nested lists as a tensor, floats in `dtype`, integers as int64, booleans as bool; several in a tuple or dict."""
    if isinstance(nested, Mapping):
        return {name: _tensors(each, dtype, floating=floating) for name, each in nested.items()}
    if isinstance(nested, tuple):
        return tuple(_tensors(each, dtype, floating=floating) for each in nested)
    if nested is None:
        return None
    inferred = torch.tensor(nested)
    return torch.tensor(nested, dtype=dtype) if floating or inferred.is_floating_point() else inferred


@dataclass(frozen=True)
class LossSpec:
    """Everything known about one loss.

    Args:
        name: Its name in recipes and on the command line, such as "cross_entropy".
        cls: The class.
        family: The room it lives in: "labels", "regions", "values", ...
        tasks: The tasks it suits.
        targets: Targets it takes: "index" (integer classes, softmax), "soft" (a probability per class, softmax),
            "labels" (independent values in [0, 1], sigmoid), "values" (real numbers), "maps" (numbers per class beside
            the logits, with softmax or sigmoid); none where the call says it all.
        source: Paper and equation.
        value_range: Smallest and largest value of the mean, for every setting.
        tendency: What it leans to, or a function of its keywords that says so.
        search: Keywords worth tuning, with where to look.
        reference: The loss as printed, in plain Python; see this module's docstring.
        unit: What `reference` computes the cost of.
        cases: Worked cases.
        variants: Keywords on which the contract runs besides the defaults.
        waivers: Promises of the contract that it cannot keep, each with the reason; a `Waiver` holds in some settings.
        call: How it is called, by the name of a form of the contract: "elements" for a prediction and a target with
            one entry an element.
        stand_in: Keywords on which the contract builds it where a default needs a file that may not be there.
    """

    name: str
    cls: type[nn.Module]
    family: str
    tasks: tuple[str, ...]
    targets: tuple[TargetKind, ...]
    source: str
    value_range: tuple[float, float]
    tendency: Tendency | Callable[..., Tendency]
    search: Mapping[str, Between | Choice]
    reference: Callable[..., float]
    unit: Unit
    cases: tuple[Case, ...]
    variants: tuple[Mapping[str, Any], ...]
    waivers: Mapping[str, str]
    call: str = "elements"
    stand_in: Mapping[str, Any] = field(default_factory=dict)

    def build(self, **keywords: Any) -> nn.Module:
        """Build the loss, with the stand-ins where nothing else is said."""
        return self.cls(**{**self.stand_in, **keywords})

    @property
    def summary(self) -> str:
        """The docstring's first line."""
        return inspect.getdoc(self.cls).splitlines()[0]  # type: ignore[union-attr]  # filed with a docstring

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Every keyword of the constructor, the common ones last."""
        return inspect.signature(self.cls).parameters

    @property
    def hyper(self) -> tuple[str, ...]:
        """The keywords that `reference` knows: all but those that a base handles.

        Of a common name a number by default is no base's: that of a whole term, such as the weight of a penalty.
        """
        own = {name for name, parameter in self.parameters.items() if type(parameter.default) is float}
        return tuple(name for name in self.parameters if name not in COMMON or name in own)

    @property
    def activations(self) -> tuple[str, ...]:
        """How it turns scores into probabilities: "softmax", "sigmoid", both, or none for values."""
        softmax = ("softmax",) if {"index", "soft", "maps"} & set(self.targets) else ()
        return softmax + (("sigmoid",) if {"labels", "maps"} & set(self.targets) else ())

    def leaning(self, **arguments: Any) -> Tendency:
        """What the loss leans to when built with these keywords."""
        if not callable(self.tendency):
            return self.tendency
        values = {name: arguments.get(name, parameter.default) for name, parameter in self.parameters.items()}
        return self.tendency(**{name: values[name] for name in inspect.signature(self.tendency).parameters})


def loss(
    *,
    tasks: tuple[str, ...],
    source: str,
    value_range: tuple[float, float],
    tendency: Tendency | Callable[..., Tendency],
    reference: Callable[..., float],
    cases: tuple[Case, ...],
    search: Mapping[str, Between | Choice] = MappingProxyType({}),
    unit: Unit | None = None,
    variants: tuple[Mapping[str, Any], ...] = (),
    waivers: Mapping[str, str] = MappingProxyType({}),
    targets: tuple[TargetKind, ...] = (),
    call: str = "elements",
    stand_in: Mapping[str, Any] = MappingProxyType({}),
) -> Callable[[_Class], _Class]:
    """Declare a loss: file its `LossSpec` and make the class final.

    The arguments are those of `LossSpec`; name and family are read from the class and where it stands.

    Returns:
        The decorator, which gives the class back.
    """

    def file(cls: _Class) -> _Class:
        family = _family(cls)
        spec = LossSpec(
            name=_snake_case(cls.__name__),
            cls=cls,
            family=family,
            tasks=tasks,
            targets=targets,
            source=source,
            value_range=value_range,
            tendency=tendency,
            search=MappingProxyType(dict(search)),
            reference=reference,
            unit=unit or _UNITS.get(family, "whole"),
            cases=cases,
            variants=variants,
            waivers=MappingProxyType(dict(waivers)),
            call=call,
            stand_in=MappingProxyType(dict(stand_in)),
        )
        assert spec.name not in _filed, f"a loss named {spec.name} is already filed"
        assert cls.__doc__, f"{cls.__name__} needs a docstring: its first line is the summary"
        assert cases, f"{cls.__name__} needs a worked case"
        reads = "activation" not in spec.parameters or spec.activations
        assert reads, f"{cls.__name__} has an activation, so its targets must say which"
        for keywords in (search, stand_in, *variants, *(case.arguments for case in cases)):
            unknown = set(keywords) - set(spec.parameters)
            assert not unknown, f"{cls.__name__} has no keyword {sorted(unknown)}"
        _filed[spec.name] = spec
        return final(cls)

    return file


def suit(task: str, *names: str) -> None:
    """Declare that losses suit one more task: what a task of one's own says of those that it takes.

    Args:
        task: The task.
        *names: Names of losses.

    Raises:
        ValueError: There is no such loss.
    """
    for name in names:
        if name not in _filed:
            raise ValueError(f"no loss is called {name!r}; there are {', '.join(_filed)}.")
        if task not in _filed[name].tasks:
            _filed[name] = replace(_filed[name], tasks=(*_filed[name].tasks, task))


def catalogue() -> Mapping[str, LossSpec]:
    """Every filed loss by name, in the order of filing; a read-only view.

    >>> import piste.losses
    >>> catalogue()["tversky"].family
    'regions'
    """
    return MappingProxyType(_filed)


def spec_of(loss: nn.Module | type[nn.Module]) -> LossSpec:
    """The declaration of a loss or of a loss class.

    Args:
        loss: An instance or a class.

    Returns:
        Its `LossSpec`.

    Raises:
        ValueError: If it was never declared with `@loss`.
    """
    cls = loss if isinstance(loss, type) else type(loss)
    spec = _filed.get(_snake_case(cls.__name__))
    if spec is None or spec.cls is not cls:
        raise ValueError(f"`loss` must be declared with @loss; got {cls.__name__}, which is not in the catalogue.")
    return spec


def _snake_case(name: str) -> str:
    """CrossEntropyIoU as cross_entropy_iou, BoxL1 as box_l1, FocalCTC as focal_ctc."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.replace("IoU", "Iou"))
    return words.lower()


def _family(cls: type) -> str:
    """The room of `piste.losses` in which the class, or else its nearest base, stands."""
    for ancestor in cls.__mro__:
        rooms = ancestor.__module__.split(".")
        if rooms[:2] == ["piste", "losses"] and len(rooms) == 4:
            return rooms[2]
    return "custom"
