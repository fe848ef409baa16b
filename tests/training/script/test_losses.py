"""Losses as scripts have them: the value and the gradient of ours, from code that knows nothing of us."""

import math
import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from piste.losses import BinaryCrossEntropy, CrossEntropy, Focal, HardMining, Loss, catalogue
from piste.losses.labels.base import LabelLoss
from piste.losses.labels.independent import IndependentLoss
from piste.losses.regions.base import RegionLoss
from piste.objective import Objective, Phase, Ramp, Watch, vary
from piste.tasks.base import Scripted
from piste.training.script.losses import Losses
from piste.training.script.phases import minimised

CLASSES = 3
WRITTEN = {"cross_entropy_iou", "lovasz", "quadratic", "symmetric_cross_entropy"} | {
    name for name, spec in catalogue().items() if issubclass(spec.cls, LabelLoss | IndependentLoss | RegionLoss)
}


def scripted(activation: str, axes: int) -> Scripted:
    given = ("logits", "target", "known") if axes else ("logits", "target")
    return Scripted((), (), (), given, "1", ("recall",), activation, CLASSES, axes)


def batch(activation: str, axes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, target and which elements count; one class is in one image alone, and one image counts for nothing."""
    generator = torch.Generator().manual_seed(3)
    shape = (3, 5) if axes else ()
    logits = 3 * torch.randn(4, CLASSES, *shape, generator=generator)
    ids = torch.randint(0, CLASSES - 1, (4, *shape), generator=generator)
    ids[0] = CLASSES - 1
    known = torch.rand(4, *shape, generator=generator) < 0.8
    known[3] = False
    if activation == "softmax":
        return logits, ids, known
    target = ids.unsqueeze(1) == torch.arange(CLASSES).view(-1, *[1] * axes)
    return logits, target, known.unsqueeze(1)


def code_of(loss: Any, task: Scripted) -> tuple[dict[str, Any], str]:
    """The names that the loss's code defines, and its call."""
    losses = Losses(task)
    call = losses.call(loss, {})
    names: dict[str, Any] = {"torch": torch, "F": F, "Tensor": Tensor, "nn": nn, "math": math}
    code = "\n\n\n".join(losses.functions.values())
    assert "self." not in code
    assert not re.search(r"\+ 0\.0\b", code)
    exec(code, names)
    return names, call


def assert_alike(loss: Loss, activation: str, axes: int) -> None:
    logits, target, known = batch(activation, axes)
    names, call = code_of(loss, scripted(activation, axes))
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    ours_value = loss(ours, target, mask=known if axes else None)
    value = eval(call, names | {"logits": theirs, "target": target, "known": known})
    torch.testing.assert_close(value, ours_value, rtol=1e-5, atol=1e-7)
    ours_value.backward()
    value.backward()
    torch.testing.assert_close(theirs.grad, ours.grad, rtol=2e-4, atol=1e-7)


def settings(name: str) -> list[dict[str, Any]]:
    spec = catalogue()[name]
    found: list[dict[str, Any]] = [{}, {"weight": [1.0, 0.5, 3.0]}]
    found += [{key: value for key, value in variant.items() if key != "activation"} for variant in spec.variants]
    if "label_smoothing" in spec.parameters:
        found += [{"label_smoothing": 0.1}, {"label_smoothing": 0.1, "weight": [1.0, 0.5, 3.0]}]
    if "pos_weight" in spec.parameters:
        found += [{"pos_weight": 4.0}, {"pos_weight": [1.0, 2.0, 0.5]}]
    if "per_image" in spec.parameters:
        found += [{"classes": [2, 1], "weight": [1.0, 0.5, 3.0]}]
        found += [{"absent": absent} for absent in ("skip", "area", "formula")]
        found += [{**each, "per_image": True} for each in found if name != "lovasz"]
    found = [each for each in found if not {"bins", "errors"} & each.keys()]
    if "smooth" in spec.parameters:
        found += [{"smooth": 1.0}]
    return found


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_code_of_a_loss_has_its_value_and_gradient(name: str, activation: str) -> None:
    spec, tried = catalogue()[name], 0
    for keywords in settings(name):
        try:
            loss = spec.cls(**keywords, activation=activation)
        except ValueError:  # sigmoid alone, or softmax alone
            continue
        assert_alike(loss, activation, axes=2)
        if not keywords.get("per_image"):
            assert_alike(loss, activation, axes=0)
        tried += 1
    assert tried or activation == "softmax"


@pytest.mark.parametrize("keep", [0.05, 0.4, 1.0])
@pytest.mark.parametrize(
    "inner", [None, CrossEntropy(weight=[1.0, 0.5, 3.0]), Focal(activation="sigmoid", alpha=0.3), BinaryCrossEntropy()]
)
def test_code_of_the_hardest_elements_has_the_value_and_gradient(inner: Any, keep: float) -> None:
    loss = HardMining(loss=inner, keep=keep)
    for axes in (0, 2):
        assert_alike(loss, loss.activation, axes)


def test_what_has_no_formula_of_its_own_is_refused_by_name() -> None:
    for name in ("boundary", "bi_tempered"):
        with pytest.raises(ValueError, match=f"can't hold {name}"):
            Losses(scripted("softmax", 2)).call(catalogue()[name].cls(), {})
    with pytest.raises(ValueError, match="custom loss"):
        Losses(scripted("softmax", 2)).call(lambda prediction, target: prediction.sum(), {})


def test_ramps_of_every_shape_and_keywords_that_move_follow_the_epoch() -> None:
    focal, dice, ce = (catalogue()[name].cls for name in ("focal", "dice", "cross_entropy"))
    ramps = [
        Ramp(0.5, 2.0, 4),
        Ramp(0.5, 2.0, 4, "cosine"),
        Ramp(0.5, 2.0, 4, "exponential"),
        Ramp(0.5, 2.0, 4, "steps", 3),
    ]
    moving = [vary(focal(), gamma=ramp) for ramp in ramps]
    objective = Objective(Phase(sum(moving[1:], moving[0]) + ramps[1] * dice() + Watch(ce())))
    task = scripted("softmax", 2)
    found = minimised(objective, task)
    assert found.table is None
    names: dict[str, Any] = {"torch": torch, "F": F, "Tensor": Tensor, "math": __import__("math")}
    exec("\n\n\n".join(found.code), names)
    logits, target, known = batch("softmax", 2)
    for epoch in range(6):
        objective(logits, target, mask=known)
        terms = names["losses"](logits, target, known, epoch)
        assert list(terms) == list(objective.terms)
        for name, (factor, raw) in terms.items():
            assert factor == pytest.approx(objective.terms[name].factor)
            torch.testing.assert_close(raw, objective.terms[name].raw, rtol=1e-5, atol=1e-7)
        objective.end_epoch({})
