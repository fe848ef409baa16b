"""Promises about what counts, and how much: masks, ignored labels, weights and reductions."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.losses.contract import probes
from piste.losses.contract.forms import Example, bound, value
from piste.losses.contract.probes import require
from piste.losses.contract.promise import Setting, promise

IGNORED = 255


def _filled(target: Any, everywhere: Tensor, junk: float) -> Any:
    """The target with junk in its floating tensors where they stand beside the prediction number for number."""
    if isinstance(target, dict):
        return {name: _filled(each, everywhere, junk) for name, each in target.items()}
    if isinstance(target, Tensor) and target.is_floating_point() and target.shape == everywhere.shape:
        return target.masked_fill(everywhere, junk)
    return target


def _unheard(setting: Setting, drawn: Example, unheard: Tensor, word: str, *, junk: float, **keywords: object) -> None:
    """What does not count has exactly no gradient, and whatever stands there changes nothing."""
    everywhere = drawn.over_prediction(unheard)
    for reduction in setting.reductions:
        loss = setting.reduced(reduction).build(**keywords)
        before, gradient = value(loss, drawn), probes.slope(bound(loss, drawn), drawn.prediction)
        leaked = gradient.where(everywhere, 0)
        worst = int(leaked.abs().argmax())
        require(
            not leaked.any(),
            f"{probes.place('prediction', leaked, worst)} is {word}, yet has gradient {leaked.flatten()[worst]:.6g} "
            f"({reduction} on {drawn})",
        )
        target = _filled(drawn.target, everywhere, junk)
        if isinstance(target, Tensor) and not target.is_floating_point() and "ignore_index" not in keywords:
            target = 1 - target if drawn.kind == "hard" else (target + 1) % drawn.prediction.shape[1]
            target = target.where(unheard & (drawn.target != setting.get("ignore_index")), drawn.target)
        changed = replace(drawn, prediction=drawn.prediction.masked_fill(everywhere, 1e4), target=target)
        name = f"the {reduction} with other numbers at what is {word}"
        probes.agree(name, value(loss, changed), before, rtol=0, atol=0, source=f"the call without, {drawn},")
        moved = probes.slope(bound(loss, changed), changed.prediction)
        probes.agree(f"the gradient of {name}, at prediction", moved, gradient, rtol=0, atol=0, source="without")


@promise(applies=lambda setting: "mask" in setting.form.takes)
def what_is_masked_has_no_influence(setting: Setting) -> None:
    """Gradient exactly 0, and a logit of 10000 or a target of NaN there changes nothing."""
    for kind in setting.kinds:
        drawn = setting.example(kind)
        for masked in drawn.calls():
            if "mask" in masked.call:
                _unheard(setting, masked, ~masked.call["mask"].expand(masked.element_shape), "masked", junk=torch.nan)


@promise(
    applies=lambda setting: setting.elementwise and setting.has("ignore_index") and setting.get("ignore_index") is None
)
def what_is_ignored_has_no_influence(setting: Setting) -> None:
    """Targets equal to `ignore_index`, be it a class or not, count as little as what is masked."""
    kind = setting.kinds[0]
    for ignored in (IGNORED, -100, 1):
        for drawn in setting.example(kind).calls():
            gaps = torch.rand(drawn.target.shape, generator=torch.Generator().manual_seed(3)) < 0.4
            gappy = replace(drawn, target=drawn.target.masked_fill(gaps, ignored))
            words = f"ignored by ignore_index={ignored}"
            _unheard(setting, gappy, gappy.target == ignored, words, junk=torch.nan, ignore_index=ignored)


@promise(applies=lambda setting: "sample_weight" in setting.form.takes)
def what_weighs_nothing_has_no_influence(setting: Setting) -> None:
    """A sample weight of 0 counts as little as a mask."""
    for kind in setting.kinds:
        drawn = setting.example(kind)
        weight = torch.rand(drawn.element_shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        weight = weight.masked_fill(weight < 0.4, 0)
        _unheard(setting, replace(drawn, call={"sample_weight": weight}), weight == 0, "of weight 0", junk=1.0)


def _nothing(setting: Setting, drawn: Example) -> Iterator[tuple[str, Loss, Example]]:
    """Every way of leaving nothing to count."""
    loss, full = setting.build(), torch.ones(drawn.element_shape)
    if "mask" in setting.form.takes:
        yield "everything masked", loss, replace(drawn, call={**drawn.call, "mask": full < 0})
    if "sample_weight" in setting.form.takes:
        yield "every weight 0", loss, replace(drawn, call={**drawn.call, "sample_weight": full * 0})
    if setting.elementwise:
        yield "no image", loss, replace(drawn, prediction=drawn.prediction[:0], target=drawn.target[:0])
    if setting.elementwise and setting.has("ignore_index") and not drawn.target.is_floating_point():
        ignoring = setting.build(ignore_index=IGNORED)
        yield "everything ignored", ignoring, replace(drawn, target=torch.full_like(drawn.target, IGNORED))


@promise(applies=lambda setting: bool(setting.form.takes))
def nothing_to_count_costs_exactly_nothing(setting: Setting) -> None:
    """Everything masked, ignored or of weight 0, or an empty batch: 0 with a gradient, which is 0 too."""
    for kind in setting.kinds:
        for words, loss, empty in _nothing(setting, setting.example(kind)):
            got = value(loss, empty)
            require(not got.any(), f"with {words} the value is {got.tolist()}, not 0")
            gradient = probes.slope(bound(loss, empty), empty.prediction)
            require(not gradient.any(), f"with {words} the gradient is not 0")


@promise(applies=lambda setting: bool(setting.form.takes))
def weights_of_one_equal_none(setting: Setting) -> None:
    """A mask of True, sample weights of 1 and class weights of 1 leave value and gradient as they are."""
    for kind in setting.kinds:
        drawn = setting.example(kind)
        loss, ones = setting.build(), torch.ones(drawn.element_shape, dtype=torch.float64)
        row = ones.flatten()[:1].reshape([1] * ones.dim())
        forms = {"a mask of True": {"mask": ones > 0}, "sample weights of 1": {"sample_weight": ones}}
        forms |= {"one mask": {"mask": row > 0}, "one sample weight": {"sample_weight": row}}
        forms |= {"integer sample weights": {"sample_weight": ones.long()}}
        weighted = {
            words: (loss, replace(drawn, call={**drawn.call, **call}))
            for words, call in forms.items()
            if call.keys() <= setting.form.takes
        }
        if setting.elementwise and setting.has("weight") and setting.get("weight") is None:
            classes = drawn.prediction.shape[1]
            weighted["class weights of 1"] = (setting.build(weight=[1.0] * classes), drawn)
        expected, slope = value(loss, drawn), probes.slope(bound(loss, drawn), drawn.prediction)
        for words, (other, unit) in weighted.items():
            probes.agree(f"the value with {words}", value(other, unit), expected, rtol=1e-12, atol=1e-14, source="none")
            got = probes.slope(bound(other, unit), unit.prediction)
            probes.agree(f"the gradient with {words} at prediction", got, slope, rtol=1e-9, atol=1e-14, source="none")


@promise(applies=lambda setting: setting.form.takes >= {"mask", "sample_weight"})
def a_mask_equals_weights_of_zero_and_one(setting: Setting) -> None:
    """Leaving an element out is the same, said with `mask` or with `sample_weight`."""
    loss = setting.build()
    for kind in setting.kinds:
        for drawn in setting.example(kind).calls():
            if "mask" in drawn.call and "sample_weight" not in drawn.call:
                call = {name: given for name, given in drawn.call.items() if name != "mask"}
                weighted = replace(drawn, call={**call, "sample_weight": drawn.call["mask"].double()})
                got, expected = value(loss, weighted), value(loss, drawn)
                probes.agree(f"the value on {weighted}", got, expected, rtol=1e-9, atol=1e-12, source="the mask")


@promise(applies=lambda setting: "sample_weight" in setting.form.takes)
def scale_of_weights_changes_no_mean(setting: Setting) -> None:
    """Only the proportions of class weights and of sample weights matter."""
    for kind in setting.kinds:
        for drawn in setting.example(kind).calls():
            expected = value(setting.reduced("mean").build(), drawn)
            for factor in (1e-3, 5.0):
                if "sample_weight" in drawn.call:
                    call = {**drawn.call, "sample_weight": factor * drawn.call["sample_weight"]}
                    got = value(setting.reduced("mean").build(), replace(drawn, call=call))
                    name = f"the mean with sample weights x {factor:g}"
                    probes.agree(name, got, expected, rtol=1e-9, atol=1e-12, source="without")
                if setting.get("weight") is not None:
                    scaled = [factor * weight for weight in setting.get("weight")]
                    got = value(setting.reduced("mean").build(weight=scaled), drawn)
                    name = f"the mean with class weights x {factor:g}"
                    probes.agree(name, got, expected, rtol=1e-6, atol=1e-9, source="without")


@promise(applies=lambda setting: setting.has("reduction"))
def reductions_agree(setting: Setting) -> None:
    """The sum is the total of "none", and the mean lies between the least and the most that a unit costs."""
    for kind in setting.kinds:
        for drawn in setting.example(kind).calls():
            mean, total, each = (value(setting.reduced(r).build(), drawn) for r in setting.reductions)
            require(mean.dim() == total.dim() == 0, f"mean and sum are not one number: {mean.shape}, {total.shape}")
            require(each.dim() > 0, 'reduction="none" reduces to one number')
            probes.agree("the sum", total, each.sum(), rtol=1e-9, atol=1e-11, source='the total of "none"')
            if (
                not drawn.call.keys() & {"mask", "sample_weight"}
                and setting.get("weight") is None
                and setting.get("ignore_index") is None
            ):
                low, high = each.min().item() - 1e-9, each.max().item() + 1e-9
                require(low <= mean.item() <= high, f"the mean {mean:.6g} lies outside [{low:.6g}, {high:.6g}]")


def _prices_images_alone(setting: Setting) -> bool:
    """Whether each number of `reduction="none"` is of one image."""
    return (
        setting.elementwise
        and setting.has("reduction")
        and (setting.spec.unit == "element" or setting.spec.call == "spatial" or bool(setting.get("per_image")))
    )


@promise(applies=_prices_images_alone)
def an_image_scores_the_same_alone_and_in_a_batch(setting: Setting) -> None:
    """What an image costs does not depend on the images beside it."""
    loss = setting.reduced("none").build()
    for kind in setting.kinds:
        for drawn in setting.example(kind).calls():
            together = value(loss, drawn)
            for image in range(len(drawn.prediction)):
                cut = slice(image, image + 1)
                call = {name: given if len(given) == 1 else given[cut] for name, given in drawn.call.items()}
                alone = value(
                    loss, replace(drawn, prediction=drawn.prediction[cut], target=drawn.target[cut], call=call)
                )
                name = f"the cost of image {image} of {drawn}"
                probes.agree(name, together[cut], alone, rtol=1e-9, atol=1e-12, source="the image alone")


def _moved(setting: Setting, drawn: Example, order: list[int]) -> tuple[Setting, Example]:
    """Put class `order[c]` in place c, in the example and in the keywords."""
    place = torch.tensor(order).argsort()
    keywords = {
        name: [int(place[c]) for c in given] if name == "classes" else [given[c] for c in order]
        for name, given in setting.keywords.items()
        if isinstance(given, list)
    }
    if drawn.kind == "index":
        known = drawn.target < len(order)
        target, call = torch.where(known, place[drawn.target.where(known, 0)], drawn.target), drawn.call
    else:
        target, call = drawn.target[:, order], drawn.call
    if drawn.kind in ("hard", "labels"):
        call = {name: given if given.shape[1] == 1 else given[:, order] for name, given in call.items()}
    moved = replace(drawn, prediction=drawn.prediction[:, order], target=target, call=call)
    return replace(setting, keywords={**setting.keywords, **keywords}), moved


@promise(applies=lambda setting: setting.elementwise and setting.activation is not None)
def classes_may_change_places(setting: Setting) -> None:
    """No class is special but by its keywords: moved with its logits, labels and weights, it costs the same."""
    setting = setting.reduced("mean")
    for kind in setting.kinds:
        for drawn in setting.example(kind).calls():
            order = [*range(1, drawn.prediction.shape[1]), 0]
            other, moved = _moved(setting, drawn, order)
            got, expected = value(other.build(), moved), value(setting.build(), drawn)
            name = f"the mean on {drawn} with classes in the order {order}"
            probes.agree(name, got, expected, rtol=1e-9, atol=1e-12, source="the first order")
