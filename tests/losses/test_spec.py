"""Declaring a loss: what is filed, how it is named, and what is refused."""

import pickle
from typing import ClassVar

import pytest
import torch

import piste.losses.spec as spec_module
from piste.losses import Between, Case, Choice, CrossEntropy, Dice, Huber, Jaccard, catalogue, loss, spec_of
from piste.losses.values.base import ValueLoss


def plain(prediction: float, target: float, scale: float) -> float:
    return scale * (prediction - target)


def declare(**changes):
    facts = {
        "tasks": ("regression",),
        "targets": ("values",),
        "source": "a test",
        "value_range": (0.0, 1.0),
        "tendency": "neither",
        "reference": plain,
        "cases": (Case({}, [1.0], [0.0], 1.0, "1 - 0"),),
    }
    return loss(**(facts | changes))


@pytest.fixture
def empty_catalogue(monkeypatch) -> None:
    monkeypatch.setattr(spec_module, "_filed", {})


class Scaled(ValueLoss):
    """A scaled error, for a test."""

    def __init__(self, *, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def price(self, error: torch.Tensor) -> torch.Tensor:
        return self.scale * error


@pytest.mark.usefixtures("empty_catalogue")
class TestDeclaring:
    def fresh(self, name: str = "Scaled") -> type:
        return type(name, (Scaled,), {"__doc__": Scaled.__doc__, "__init__": Scaled.__init__})

    def test_files_the_class_with_name_family_and_keywords(self) -> None:
        cls = declare(search={"scale": Between(0.1, 1.0, log=True)})(self.fresh())
        (name,) = catalogue()
        spec = catalogue()[name]
        assert spec_of(cls) is spec_of(cls()) is spec
        assert (spec.name, spec.family, spec.unit, spec.hyper) == ("scaled", "values", "element", ("scale",))
        assert spec.summary == "A scaled error, for a test."

    def test_the_class_is_final_then(self) -> None:
        cls = declare()(self.fresh())
        with pytest.raises(TypeError, match="Scaled is final"):
            type("Child", (cls,), {})

    def test_two_of_a_name_are_refused(self) -> None:
        declare()(self.fresh())
        with pytest.raises(AssertionError, match="scaled is already filed"):
            declare()(self.fresh())

    @pytest.mark.parametrize(
        "changes",
        [
            {"search": {"size": Choice(1, 2)}},
            {"variants": ({"size": 1},)},
            {"cases": (Case({"size": 1}, [1.0], [0.0], 1.0, "1 - 0"),)},
        ],
    )
    def test_facts_about_a_keyword_that_it_lacks_are_refused(self, changes) -> None:
        with pytest.raises(AssertionError, match=r"Scaled has no keyword \['size'\]"):
            declare(**changes)(self.fresh())

    def test_a_loss_without_worked_cases_or_docstring_is_refused(self) -> None:
        with pytest.raises(AssertionError, match="needs a worked case"):
            declare(cases=())(self.fresh())
        with pytest.raises(AssertionError, match="needs a docstring"):
            declare()(type("Silent", (Scaled,), {"__doc__": None}))

    def test_facts_cannot_be_changed_later(self) -> None:
        waivers = {"a promise": "a reason"}
        cls = declare(waivers=waivers)(self.fresh())
        waivers.clear()
        assert spec_of(cls).waivers == {"a promise": "a reason"}
        with pytest.raises(AttributeError):
            spec_of(cls).name = "other"
        with pytest.raises(TypeError):
            catalogue()["other"] = spec_of(cls)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CrossEntropyIoU", "cross_entropy_iou"),
        ("BoxIoU", "box_iou"),
        ("IoUBalancedLocalization", "iou_balanced_localization"),
        ("BoxL1", "box_l1"),
        ("CTC", "ctc"),
        ("FocalCTC", "focal_ctc"),
        ("LPIPS", "lpips"),
        ("MultiScaleSSIM", "multi_scale_ssim"),
        ("ClDice", "cl_dice"),
    ],
)
def test_a_class_has_the_name_that_recipes_use(name, expected) -> None:
    assert spec_module._snake_case(name) == expected


def test_keywords_are_the_class_s_own_then_the_common_ones() -> None:
    assert list(spec_of(CrossEntropy).parameters) == [
        "label_smoothing",
        "activation",
        "weight",
        "ignore_index",
        "reduction",
    ]
    assert spec_of(Jaccard).hyper == ("smooth",)


def test_activations_follow_from_the_targets() -> None:
    assert spec_of(Dice).activations == ("softmax", "sigmoid")
    assert spec_of(Huber).activations == ()
    assert catalogue()["binary_cross_entropy"].activations == ("sigmoid",)


def test_a_class_that_was_never_declared_is_refused() -> None:
    class Focal(torch.nn.Module):
        """Of the same name as a declared one."""

    with pytest.raises(ValueError, match="must be declared with @loss; got Focal"):
        spec_of(Focal())


def test_a_case_keeps_integers_and_booleans_and_gives_floats_the_dtype() -> None:
    case = Case({}, [[0, 1]], [1], 0.0, "", {"mask": [True], "sample_weight": [0.1]})
    prediction, target, call = case.tensors(torch.float64)
    assert (prediction.dtype, target.dtype) == (torch.float64, torch.int64)
    assert (call["mask"].dtype, call["sample_weight"].dtype) == (torch.bool, torch.float64)
    assert call["sample_weight"].item() == 0.1


class TestSearchSpace:
    values: ClassVar = Choice("a", "b")

    def test_a_choice_is_its_values(self) -> None:
        assert self.values == Choice("a", "b") != Choice("b", "a")
        assert pickle.loads(pickle.dumps(self.values)).values == ("a", "b")


def test_a_case_may_hold_several_tensors_or_none() -> None:
    case = Case({}, ([1, 2], [0.5]), {"labels": [1], "distance": [2.0]}, 0.0, "")
    (one, other), target, _ = case.tensors(torch.float32)
    assert (one.tolist(), one.dtype, other.tolist(), other.dtype) == ([1, 2], torch.float32, [0.5], torch.float32)
    assert (target["labels"].dtype, target["distance"].dtype) == (torch.int64, torch.float32)
    assert Case({}, [1.0], None, 0.0, "").tensors()[1] is None
