"""What every loss is: keywords as attributes, a call as its print, operators that make an objective."""

import pytest
import torch

import piste.losses
from piste.losses import CrossEntropy, Dice, Focal, Loss, Tversky
from piste.losses.base import reduce
from piste.losses.labels.base import LabelKeywords, LabelLoss
from piste.losses.regions.base import RegionKeywords, RegionLoss
from piste.losses.values.base import ValueKeywords, ValueLoss


@pytest.mark.parametrize(
    "call",
    [
        "CrossEntropy()",
        "Focal(gamma=0.5, weight=[1.0, 30.0], ignore_index=255)",
        "Tversky(alpha=0.1, activation='sigmoid', classes=[0, 2])",
        "BinaryCrossEntropy(pos_weight=[1.0, 2.0])",
    ],
)
def test_prints_itself_as_the_call_that_made_it(call) -> None:
    assert repr(eval(call, vars(piste.losses))) == call


def test_prints_tensors_as_lists() -> None:
    assert repr(CrossEntropy(weight=torch.tensor([1.0, 2.0]))) == "CrossEntropy(weight=[1.0, 2.0])"


def test_keeps_its_arguments_as_given() -> None:
    weight = (1, 2)
    loss = Focal(gamma=1, weight=weight)
    assert loss.weight is weight
    assert loss.arguments == {
        "gamma": 1,
        "alpha": None,
        "activation": "softmax",
        "weight": (1, 2),
        "ignore_index": None,
        "reduction": "mean",
    }


def test_weights_move_with_the_module_and_are_no_state() -> None:
    loss = CrossEntropy(weight=[1.0, 2.0])
    assert loss.to("meta")._weight.device.type == "meta"
    assert loss.state_dict() == {}


def test_a_keyword_can_be_moved_while_training_runs() -> None:
    logits, target = torch.tensor([[1.0, 0.0]]), torch.tensor([0])
    loss = Focal(gamma=0.0)
    loss.gamma = 2.0
    torch.testing.assert_close(loss(logits, target), Focal(gamma=2.0)(logits, target))


def test_a_misspelt_keyword_is_refused() -> None:
    with pytest.raises(TypeError, match="gama"):
        Focal(gama=2.0)


def test_a_loss_is_final_and_a_base_is_not_built() -> None:
    with pytest.raises(TypeError, match="Dice is final"):
        type("MyDice", (Dice,), {})
    with pytest.raises(TypeError, match="abstract"):
        LabelLoss()


@pytest.mark.parametrize(
    ("base", "keywords"), [(LabelLoss, LabelKeywords), (RegionLoss, RegionKeywords), (ValueLoss, ValueKeywords)]
)
def test_keywords_named_for_type_checkers_are_those_of_the_base(base, keywords) -> None:
    assert list(keywords.__annotations__) == list(base.__signature__.parameters)


def test_operators_hand_factors_and_losses_to_the_one_hook(monkeypatch) -> None:
    monkeypatch.setattr(Loss, "combine", staticmethod(lambda terms: terms))
    a, b = Dice(), Tversky()
    assert a + b == ((1.0, a), (1.0, b))
    assert 0.5 * a == a * 0.5 == ((0.5, a),)
    for stranger in ("2", None, torch.ones(1)):
        assert a.__add__(stranger) is a.__mul__(stranger) is NotImplemented


COST = torch.tensor([[1.0, 2.0], [4.0, 8.0]])


def test_reduce_divides_by_what_counts() -> None:
    torch.testing.assert_close(reduce(COST, None, "mean"), torch.tensor(15 / 4))
    torch.testing.assert_close(reduce(COST, torch.tensor([[1.0], [3.0]]), "mean"), torch.tensor((3 + 36) / 8))
    torch.testing.assert_close(reduce(COST, COST > 1.5, "mean"), torch.tensor(14 / 3))


def test_reduce_counts_weights_that_are_in_the_cost_already() -> None:
    weight = torch.tensor([[1.0, 2.0], [0.5, 0.5]])
    value = reduce(COST, COST > 1.5, "mean", weight=weight)
    torch.testing.assert_close(value, torch.tensor(14 / 3))


def test_reduce_of_nothing_is_nothing() -> None:
    empty = torch.zeros(0, 3, requires_grad=True)
    for count in (None, torch.ones(0, 3)):
        value = reduce(empty, count, "mean")
        assert value == 0
        value.backward()
    assert reduce(COST, torch.zeros(1, 1), "mean") == 0
