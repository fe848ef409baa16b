import math

import pytest

from piste.losses import CrossEntropy, Dice, Jaccard
from piste.objective import Cycle, Phase, Ramp, Trigger, Watch


def test_it_is_named_after_what_it_optimises():
    assert Phase(Dice() + CrossEntropy() + Watch(Jaccard())).name == "dice + cross_entropy"
    assert Phase(Dice(), name="clear up").name == "clear up"


def test_it_prints_itself_as_the_call_that_made_it():
    phases = [
        Phase(Dice(), epochs=3, lr=0.1, reset_optimizer=True, name="clear up"),
        Phase(Dice() + 0.5 * CrossEntropy(), until="recall >= 0.9 for 2 epochs", at_most=6),
    ]
    for phase in phases:
        assert repr(eval(repr(phase), globals() | {"Sum": lambda *losses: sum(losses[1:], losses[0])})) == repr(phase)


def test_until_may_be_a_trigger():
    assert Phase(Dice(), until=Trigger("recall", ">=", 0.9)).until == Phase(Dice(), until="recall >= 0.9").until


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 3, "until": "iou > 0.5"}, "`epochs` and `until` exclude each other; got 3 and 'iou > 0.5'"),
        ({"at_most": 3}, "`at_most` bounds a phase that has `until`; got 3 alone"),
        ({"epochs": 3, "at_most": 5}, "`at_most` bounds a phase"),
        ({"epochs": 0}, "`epochs` of a phase must be a whole number of epochs >= 1; got 0"),
        ({"epochs": 1.5}, "`epochs` of a phase"),
        ({"epochs": True}, "`epochs` of a phase"),
        ({"until": "iou > 0.5", "at_most": 0}, "`at_most` of a phase must be a whole number of epochs >= 1; got 0"),
        ({"until": "iou"}, "`until` reads"),
        ({"until": 0.5}, "`until` reads"),
        ({"lr": 0.0}, "`lr` is a factor of the learning rate and must be a number > 0"),
        ({"lr": math.nan}, "`lr` is a factor"),
        ({"lr": Ramp(0.1, 1.0, epochs=3)}, "`lr` is a factor"),
        ({"reset_optimizer": "no"}, "`reset_optimizer` must be True or False; got 'no'"),
        ({"name": ""}, "`name` of a phase must be a text"),
        ({"name": 3}, "`name` of a phase must be a text"),
        ({"loss": "dice"}, "an objective is made of losses"),
        ({"loss": Watch(Dice())}, "nothing is optimised"),
        ({"loss": Cycle(Phase(Dice(), epochs=1), times=2)}, "phases that follow each other cannot be part of a sum"),
    ],
)
def test_what_is_no_phase_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Phase(**{"loss": Dice()} | arguments)
