"""The rules for keywords: what is taken comes back as it came, what is not is named."""

from fractions import Fraction

import pytest
import torch

from piste.losses.arguments import class_id, class_ids, number, one_of, per_class, switch


@pytest.mark.parametrize("value", [0, 0.5, Fraction(1, 2), 1])
def test_a_number_comes_back_as_given(value) -> None:
    assert number("alpha", value, "a share", low=0.0, high=1.0) is value


@pytest.mark.parametrize(
    ("value", "bounds", "rule"),
    [
        (-1, {"low": 0.0}, "a number >= 0; got -1."),
        (2.0, {"high": 1.0}, "a number <= 1; got 2.0."),
        (0.0, {"above": 0.0}, "a number > 0; got 0.0."),
        (3, {"low": 0.0, "high": 1.0}, "a number >= 0 and <= 1; got 3."),
        (float("nan"), {}, "a number; got nan."),
        (float("inf"), {}, "a number; got inf."),
        ("1", {}, "a number; got '1'."),
        (True, {}, "a number; got True."),
        (None, {}, "a number; got None."),
    ],
)
def test_a_number_out_of_bounds_is_refused(value, bounds, rule) -> None:
    with pytest.raises(ValueError) as caught:
        number("alpha", value, "a price", **bounds)
    assert str(caught.value) == f"`alpha` is a price and must be {rule}"


@pytest.mark.parametrize("value", ["average", None, 1, ["mean"]])
def test_one_of_names_what_there_is(value) -> None:
    with pytest.raises(ValueError, match=r"`reduction` must be one of 'mean', 'sum'; got"):
        one_of("reduction", value, ("mean", "sum"))


@pytest.mark.parametrize("value", [[1, 2.5], (1, 2.5), torch.tensor([1, 2.5]), torch.tensor([1, 2.5]).half()])
def test_numbers_per_class_become_a_float32_tensor(value) -> None:
    tensor = per_class("weight", value)
    assert tensor.dtype == torch.float32
    assert tensor.tolist() == [1.0, 2.5]


def test_numbers_per_class_keep_float64() -> None:
    assert per_class("weight", torch.tensor([0.1], dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize(
    "value",
    [[], [1.0, -1.0], [0.0, 0.0], [1.0, float("nan")], [1.0, float("inf")], [[1.0]], ["1"], [True], "12", 1.0],
)
def test_anything_but_numbers_per_class_is_refused(value) -> None:
    with pytest.raises(ValueError, match=r"`weight` must be a list of numbers >= 0, one per class and not all 0; got"):
        per_class("weight", value)


@pytest.mark.parametrize("value", [1.0, "255", True])
def test_a_class_id_is_an_integer(value) -> None:
    with pytest.raises(ValueError, match="`ignore_index` must be an integer or None; got"):
        class_id("ignore_index", value)


@pytest.mark.parametrize("value", [[], [0, 0], [-1], [0.0], [True], "some", 1, None])
def test_class_ids_are_all_or_a_list(value) -> None:
    with pytest.raises(ValueError, match='`classes` must be "all" or a list of different class ids >= 0; got'):
        class_ids("classes", value)


@pytest.mark.parametrize("value", [1, None, "yes"])
def test_a_switch_is_true_or_false(value) -> None:
    with pytest.raises(ValueError, match="`per_image` must be True or False; got"):
        switch("per_image", value)


def test_weights_that_were_learned_are_taken_as_numbers() -> None:
    assert not per_class("weight", torch.ones(2, requires_grad=True)).requires_grad
