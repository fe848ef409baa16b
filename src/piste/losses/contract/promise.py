"""What a promise is: a named check of one loss in one setting, and a waiver that must be true to be accepted."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import Tensor

from piste.losses.base import Loss
from piste.losses.contract.forms import FORMS, Example, Form
from piste.losses.contract.forms.form import Size
from piste.losses.spec import COMMON, LossSpec


@dataclass(frozen=True)
class Setting:
    """One loss, built in one way.

    Args:
        spec: The loss.
        keywords: Its keywords; what is not among them stays at its default.
    """

    spec: LossSpec
    keywords: Mapping[str, Any]

    def build(self, **more: Any) -> Loss:
        """Build the loss, with further keywords over those of the setting."""
        return cast(Loss, self.spec.build(**{**self.keywords, **more}))

    def reduced(self, reduction: str) -> "Setting":
        """The same setting with another reduction; itself where the loss has none to choose."""
        return replace(self, keywords={**self.keywords, "reduction": reduction}) if self.has("reduction") else self

    @property
    def reductions(self) -> tuple[str, ...]:
        """The reductions that the loss has; the mean alone where it has none to choose."""
        return ("mean", "sum", "none") if self.has("reduction") else ("mean",)

    def get(self, keyword: str) -> Any:
        """Return the value a keyword has in this setting; None where the loss has no such keyword."""
        parameter = self.spec.parameters.get(keyword)
        default = parameter.default if parameter else None
        return {**self.spec.stand_in, **self.keywords}.get(keyword, default)

    @property
    def hyper(self) -> dict[str, Any]:
        """The keywords that its reference takes."""
        return {name: self.get(name) for name in self.spec.hyper}

    def has(self, *keywords: str) -> bool:
        """Return whether the loss has all these keywords."""
        return set(keywords) <= set(self.spec.parameters)

    @property
    def is_default(self) -> bool:
        """Whether it is the loss as it comes, but for its activation."""
        return not self.keywords.keys() - {"activation"}

    @property
    def activation(self) -> str | None:
        """How scores become probabilities; None for losses of values."""
        return self.get("activation") or (self.spec.activations[0] if self.spec.activations else None)

    @property
    def form(self) -> Form:
        """How the loss is called."""
        return FORMS[self.spec.call]

    @property
    def elementwise(self) -> bool:
        """Whether it is called as `loss(prediction, target)` with a target for each element."""
        return self.spec.call in ("elements", "spatial")

    @property
    def kinds(self) -> list[str]:
        """Kinds of input that go with it."""
        return self.form.kinds(self)

    def example(self, kind: str, size: Size = "usual") -> Example:
        """Draw an input of a kind; see `Form.example`."""
        return self.form.example(self, kind, size)

    def examples(self, kind: str) -> Iterator[Example]:
        """Rich and sparse inputs of a kind; see `Form.examples`."""
        return self.form.examples(self, kind)

    def extremes(self, kind: str, sizes: tuple[float, ...] = (0.0, 30.0, 100.0, 1e4)) -> Iterator[tuple[str, Example]]:
        """Extreme inputs of a kind, in words; see `Form.extremes`."""
        return self.form.extremes(self, kind, sizes)

    def plain(self, drawn: Example) -> Tensor:
        """What the loss should give on an input, by its reference; see `Form.plain`."""
        return self.form.plain(self, drawn)

    def __str__(self) -> str:
        words = ", ".join(f"{name}={value!r}" for name, value in self.keywords.items())
        return f"{self.spec.cls.__name__}({words})"


ONE_BY_ONE: tuple[Mapping[str, Any], ...] = (
    {"weight": [0.5, 2.0, 1.0]},
    {"ignore_index": 255},
    {"per_image": True},
    {"classes": [2, 0]},
    {"absent": "skip"},
    {"absent": "area"},
    {"absent": "formula"},
)
TOGETHER: Mapping[str, Any] = {
    "weight": [0.5, 2.0, 1.0],
    "per_image": True,
    "classes": [2, 0],
    "absent": "formula",
}
"""Keywords of the bases, tried on every loss that has them, so that no loss need list them."""


def settings(spec: LossSpec) -> Iterator[Setting]:
    """Every setting the contract tries, with each activation that it allows.

    These are the defaults, the loss's own variants, the keywords of its base one by one, and those together on top of
    the defaults and of each variant.
    """
    known = spec.parameters.keys() - (COMMON & set(spec.hyper))
    own = [{}, *spec.variants]
    together = {name: value for name, value in TOGETHER.items() if name in known}
    alone = [variant for variant in ONE_BY_ONE if variant.keys() <= known and variant != together]
    both = [{**together, **variant} for variant in own] if together else []
    for variant in (*own, *alone, *both):
        if "activation" in variant or "activation" not in known:
            yield Setting(spec, dict(variant))
        else:
            yield from (Setting(spec, {"activation": activation, **variant}) for activation in spec.activations)


@dataclass(frozen=True)
class Promise:
    """A claim about every loss to which it applies.

    Args:
        check: Raises AssertionError in words if the loss breaks it in this setting.
        applies: Whether it says anything about the loss in this setting.
    """

    check: Callable[[Setting], None]
    applies: Callable[[Setting], bool]

    @property
    def name(self) -> str:
        """The claim, in words joined by underscores."""
        return self.check.__name__

    def concerns(self, spec: LossSpec) -> bool:
        """Return whether it applies to any setting of the loss."""
        return any(self.applies(setting) for setting in settings(spec))

    def keep(self, spec: LossSpec) -> None:
        """Hold the loss to it in every setting.

        Raises:
            AssertionError: It is broken and not waived, or waived and yet holds everywhere.
        """
        waiver, waived = spec.waivers.get(self.name), False
        for setting in filter(self.applies, settings(spec)):
            try:
                self.check(setting)
            except Exception as error:
                words = f"{setting} breaks {self.name}: {error}"
                if waiver is None or getattr(waiver, "only", "") not in words:
                    raise AssertionError(words) from error
                waived = True
        if waiver is not None and not waived:
            raise AssertionError(f"{spec.name} waives {self.name}, which it keeps: the waiver is stale")


PROMISES: dict[str, Promise] = {}
"""Every promise by name, in the order of the files that make them."""


def promise(
    applies: Callable[[Setting], bool] = lambda setting: True,
) -> Callable[[Callable[[Setting], None]], Callable[[Setting], None]]:
    """File a check as a promise about the losses to which it applies."""

    def file(check: Callable[[Setting], None]) -> Callable[[Setting], None]:
        PROMISES[check.__name__] = Promise(check, applies)
        return check

    return file
