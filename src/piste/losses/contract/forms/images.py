"""Losses called as `loss(prediction, target, *, sample_weight)` with images [N, C, H, W], or without the target.

A sample weight is one number an image, so that an element is a whole image: it is packed into one axis, [N, C H W], and
unpacked for the call. Beside the target stands a frame, whose shape is that of the prediction.
"""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor, nn

from piste.losses.base import Loss
from piste.losses.contract.forms.form import Example, Form, Size
from piste.losses.contract.forms.plain import averaged
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting


@final
class Images(Form):
    """Pairs of images; kinds are "images", and "alone" for losses that need no target."""

    takes = frozenset({"sample_weight"})

    def kinds(self, setting: "Setting") -> list[str]:
        """The one kind that the loss takes, which is seen from whether its call can leave the target out."""
        target = inspect.signature(setting.spec.cls.forward).parameters["target"]
        return ["images" if target.default is target.empty else "alone"]

    def axis(self, kind: str) -> int | None:
        """An image spreads over the axis into which it is packed."""
        return 1

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw images that look somewhat like their targets, with values from 0 to 1."""
        least, channels = _least(setting), 3 if setting.has("network") or size != "small" else 1
        shape = {
            "small": (2, channels, least, least + 1),
            "usual": (5, channels, least + 5, least + 2),
            "large": (1, channels, 307, 311),
        }[size]
        dice = torch.Generator().manual_seed(7)
        target, other = (torch.rand(shape, generator=dice, dtype=torch.float64) for _ in range(2))
        return self._packed(kind, 0.7 * target + 0.3 * other, target)

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Images that look alike, images that have nothing in common, and flat ones."""
        drawn = self.example(setting, kind, "usual")
        target, _ = drawn.target
        yield drawn
        yield self._packed(kind, target.flip(0), target)
        flat = torch.linspace(0, 1, len(target), dtype=torch.float64).view(-1, 1, 1, 1).expand(target.shape)
        yield self._packed(kind, flat, flat.flip(0) / 2)

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Values far beyond the range, equality, and the negative of a target of high contrast."""
        drawn = self.example(setting, kind, "usual")
        target, _ = drawn.target
        for size in sizes:
            noise = (target - 0.5).sign() * size
            yield f"mixed, of size {size:g}", self._packed(kind, noise, target)
            yield f"flat, of size {size:g}", self._packed(kind, torch.full_like(target, size), target)
            yield f"flat below 0, of size {size:g}", self._packed(kind, torch.full_like(target, -size), target)
        yield "exactly the target", self._packed(kind, target, target)
        contrast = (target - 0.5).sign() * 30
        yield "the target's negative", self._packed(kind, 100 - contrast, 100 + contrast)

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Missing and repeated axes, other numbers of images and channels, and bytes."""
        target, frame = drawn.target
        yield "bytes for a prediction", replace(drawn, prediction=drawn.prediction.to(torch.uint8))
        yield "an image without channels", self._packed(drawn.kind, frame[:, 0], target[:, 0])
        yield "a single image", self._packed(drawn.kind, frame[0], target[0])
        if drawn.kind == "images":
            yield "bytes for a target", replace(drawn, target=(target.to(torch.uint8), frame))
            yield "one target for many images", replace(drawn, target=(target[:1], frame))
            yield "one channel for many in the target", replace(drawn, target=(target[:, :1], frame))
            yield "an axis more in the target", replace(drawn, target=(target.unsqueeze(0), frame))

    def of_case(self, case: Case) -> Example:
        """Images as they stand; without a target where the case has none."""
        prediction, target, call = case.tensors()
        kind, beside = ("alone", prediction) if target is None else ("images", target)
        return replace(self._packed(kind, prediction, beside), call=call)

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Unpack the images and call the loss."""
        target, frame = drawn.target
        prediction = drawn.prediction.view(frame.shape)
        targets = (target,) if drawn.kind == "images" else ()
        result: Tensor = loss(prediction, *targets, **drawn.call)
        return result

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """One image after the other by `reference(prediction, target, **hyper)`, all nested lists, [C][H][W].

        A network comes as a function that makes of such an image a list of feature maps of the setting's layers.
        """
        target, frame = drawn.target
        hyper = setting.hyper
        if setting.has("network"):
            hyper["network"] = _Looking(hyper["network"])
        targets = [(each.tolist(),) if drawn.kind == "images" else () for each in target]
        prices = [
            setting.spec.reference(image.tolist(), *beside, **hyper)
            for image, beside in zip(drawn.prediction.view(frame.shape), targets, strict=True)
        ]
        weights = drawn.call.get("sample_weight", torch.ones(1)).expand(len(prices)).tolist()
        costs = [weight * price for weight, price in zip(weights, prices, strict=True)]
        return averaged(setting, costs, weights, (len(costs),))

    def _packed(self, kind: str, prediction: Tensor, target: Tensor) -> Example:
        """Pack each image of the prediction into one axis."""
        return Example(self, kind, prediction.flatten(1), (target, torch.zeros_like(prediction)))


@final
class _Looking:
    """A network in float64 as a function of an image and names of layers, by hooks."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._weights = {name: weight.double() for name, weight in network.state_dict().items()}

    def __call__(self, image: Any, layers: Sequence[str]) -> list[Any]:
        """Give the layers' outputs as nested lists, [C][H][W] each."""
        seen: dict[str, Any] = {}
        hooks = [
            self._network.get_submodule(name).register_forward_hook(
                lambda _module, _inputs, output, name=name: seen.update({name: output[0].tolist()})
            )
            for name in layers
        ]
        with torch.no_grad():
            images = torch.tensor(image, dtype=torch.float64).unsqueeze(0)
            torch.func.functional_call(self._network, self._weights, (images,))
        for hook in hooks:
            hook.remove()
        return [seen[name] for name in layers]


def _least(setting: "Setting") -> int:
    """The side of the smallest image that the setting takes: a window at the coarsest of its scales."""
    window, exponents = setting.get("window") or 2, setting.get("exponents") or (1.0,)
    side: int = (window - 1) * 2 ** (len(exponents) - 1) + 1
    return side
