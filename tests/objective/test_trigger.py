import math
import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piste.objective import Trigger


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("recall >= 0.9", Trigger("recall", ">=", 0.9)),
        ("recall>=0.9", Trigger("recall", ">=", 0.9)),
        ("  iou/lake  <  1e-3 ", Trigger("iou/lake", "<", 0.001)),
        ("recall/salt marsh > .5", Trigger("recall/salt marsh", ">", 0.5)),
        ("object_count_error <= 3 for 2 epochs", Trigger("object_count_error", "<=", 3.0, 2)),
        ("iou > 0.5 for 1 epoch", Trigger("iou", ">", 0.5)),
        ("error < -1", Trigger("error", "<", -1.0)),
    ],
)
def test_it_reads_metric_operator_number_and_epochs(text, trigger):
    assert Trigger.parse(text) == trigger
    assert Trigger.parse(str(trigger)) == trigger


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recall", 'reads "metric op number'),
        ("", 'reads "metric op number'),
        (0.9, 'reads "metric op number'),
        (">= 0.9", 'reads "metric op number'),
        ("recall => 0.9", "the operators are >=, <=, >, <"),
        ("recall == 0.9", "the operators are"),
        ("recall = 0.9", "the operators are"),
        ("recall >= high", "'high' is not a number"),
        ("recall >= 90%", "'90%' is not a number"),
        ("recall >= __import__('os')", "is not a number"),
        ("recall >= nan", "compares with a finite number; got nan"),
        ("recall >= inf", "compares with a finite number; got inf"),
        ("recall >= 0.9 for two epochs", "'two' is not a whole number of epochs"),
        ("recall >= 0.9 for 1.5 epochs", "'1.5' is not a whole number of epochs"),
        ("recall >= 0.9 for 0 epochs", "1 epoch or more; got 0"),
        ("recall >= 0.9 for 2 steps", 'reads "metric op number'),
        ("recall >= 0.9 and precision >= 0.5", 'reads "metric op number'),
        ("0.5 <= recall <= 0.9", 'reads "metric op number'),
    ],
)
def test_any_other_text_is_refused_in_one_line(text, message):
    with pytest.raises(ValueError, match=message) as refusal:
        Trigger.parse(text)
    assert "`until`" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@settings(deadline=None)
@given(
    op=st.sampled_from([(">=", operator.ge), ("<=", operator.le), (">", operator.gt), ("<", operator.lt)]),
    number=st.floats(-10, 10),
    value=st.floats(-10, 10) | st.none(),
)
def test_it_holds_exactly_when_the_comparison_does(op, number, value):
    sign, compare = op
    value = number if value is None else value  # equality is where operators differ
    assert Trigger("iou", sign, number).holds(value) == compare(value, number)


@pytest.mark.parametrize("op", [">=", "<=", ">", "<"])
def test_a_metric_that_is_not_a_number_never_fulfils_it(op):
    assert not Trigger("iou", op, 0.5).holds(math.nan)


def test_an_unknown_operator_is_refused():
    with pytest.raises(ValueError, match="got '!='"):
        Trigger("iou", "!=", 0.5)


@pytest.mark.parametrize(
    ("trigger", "value", "reason"),
    [
        (Trigger("recall", ">=", 0.9), 0.91342, "recall 0.913 >= 0.9"),
        (Trigger("recall", ">=", 0.9), 0.9, "recall 0.9 >= 0.9"),
        (Trigger("recall", ">", 0.9), 0.90001, "recall 0.90001 > 0.9"),
        (Trigger("iou", "<", 0.5, 3), 0.4999999, "iou 0.4999999 < 0.5 for 3 epochs"),
    ],
)
def test_its_reason_shows_that_it_holds(trigger, value, reason):
    assert trigger.reason(value) == reason
