import math

import pytest
import torch

from piste.objective import TermValue
from piste.training.measure import Average, Measure, Measured, bring


def term(raw: float, factor: float) -> TermValue:
    return TermValue(torch.tensor(raw), factor, torch.tensor(raw * factor))


def test_numbers_come_back_in_their_places() -> None:
    batches = [
        Measured(torch.tensor(0.5), {"dice": term(0.25, 2.0)}, torch.tensor(7), ["a"], None),
        Measured(torch.tensor(1.5), {"dice": term(0.5, 2.0), "focal": term(0.125, 4.0)}, torch.tensor(3), ["b"], None),
    ]
    measures, others = bring(batches, [torch.tensor(9.0), torch.tensor(11.0)])
    assert others == [9.0, 11.0]
    assert measures == [
        Measure(0.5, {"dice": {"raw": 0.25, "factor": 2.0, "weighted": 0.5}}, 7.0),
        Measure(
            1.5,
            {
                "dice": {"raw": 0.5, "factor": 2.0, "weighted": 1.0},
                "focal": {"raw": 0.125, "factor": 4.0, "weighted": 0.5},
            },
            3.0,
        ),
    ]


def test_batches_weigh_by_what_they_count() -> None:
    average = Average()
    average.add(Measure(1.0, {"dice": {"raw": 2.0, "factor": 0.5, "weighted": 1.0}}, 30.0))
    average.add(Measure(5.0, {"dice": {"raw": 10.0, "factor": 0.5, "weighted": 5.0}}, 10.0))
    assert average.counted == 40
    assert average.fields() == {"loss": 2.0, "terms": {"dice": {"raw": 4.0, "factor": 0.5, "weighted": 2.0}}}


def test_nothing_counted_is_zero() -> None:
    average = Average()
    average.add(Measure(0.0, {"dice": {"raw": 0.0, "factor": 1.0, "weighted": 0.0}}, 0.0))
    assert average.fields() == {"loss": 0.0, "terms": {"dice": {"raw": 0.0, "factor": 1.0, "weighted": 0.0}}}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_brought_as_it_is(value: float) -> None:
    (measure,), _ = bring([Measured(torch.tensor(value), {}, torch.tensor(1), [], None)])
    assert not math.isfinite(measure.loss)
