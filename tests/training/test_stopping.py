import math

import pytest

from piste.training.stopping import Best, EarlyStopping, Mode


@pytest.mark.parametrize(("mode", "values"), [("max", [0.1, 0.3, 0.2, 0.3, 0.4]), ("min", [0.9, 0.7, 0.8, 0.7, 0.6])])
def test_the_best_is_the_first_that_nothing_before_reached(mode: Mode, values: list[float]) -> None:
    best = Best("iou", mode)
    assert [best.update(value, epoch) for epoch, value in enumerate(values, 1)] == [True, True, False, False, True]
    assert (best.value, best.epoch) == (values[-1], 5)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("mode", ["max", "min"])
def test_what_is_not_finite_is_never_the_best(mode: Mode, bad: float) -> None:
    best = Best("iou", mode)
    assert not best.update(bad, 1)
    assert best.value is None
    assert best.update(0.5, 2)
    assert not best.update(bad, 3)
    assert (best.value, best.epoch) == (0.5, 2)


def test_patience_counts_epochs_without_improvement_in_a_row() -> None:
    stopping = EarlyStopping("iou", "max", patience=2)
    assert [stopping.update(value, 0) for value in (0.1, 0.1, 0.2, 0.2, math.nan)] == [False] * 4 + [True]


def test_a_gain_of_min_delta_is_none_yet() -> None:
    stopping = EarlyStopping("iou", "max", patience=1, min_delta=0.25)
    assert not stopping.update(0.25, 1)
    assert stopping.update(0.5, 2)
    assert not stopping.update(0.625, 3)


def test_small_gains_add_up_against_the_last_that_counted() -> None:
    stopping = EarlyStopping("iou", "max", patience=3, min_delta=0.25)
    assert [stopping.update(value, 0) for value in (0.0, 0.2, 0.4, 0.5)] == [False] * 4
    assert stopping.best.value == 0.4


def test_what_was_forgotten_is_not_compared() -> None:
    stopping = EarlyStopping("loss", "min", patience=2)
    stopping.update(0.1, 1)
    stopping.update(0.2, 2)
    stopping.forget()
    assert not stopping.update(0.9, 3)
    assert not stopping.update(0.9, 4)
    assert stopping.update(0.9, 5)


def test_a_state_goes_on_exactly() -> None:
    whole, resumed = (EarlyStopping("iou", "max", patience=2) for _ in range(2))
    whole.update(0.5, 1)
    whole.update(0.4, 2)
    resumed.load_state_dict(whole.state_dict())
    assert resumed.update(0.3, 3)
    assert (resumed.best.value, resumed.best.epoch) == (0.5, 1)
