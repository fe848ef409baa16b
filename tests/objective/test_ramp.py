import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from piste.losses import AbsoluteError, SquaredError
from piste.objective import Ramp, Sum

SHAPES = ["linear", "cosine", "exponential", "steps"]
numbers = st.floats(0.01, 100.0)


@st.composite
def ramps(draw):
    shape, epochs = draw(st.sampled_from(SHAPES)), draw(st.integers(2, 60))
    steps = draw(st.integers(2, epochs)) if shape == "steps" else None
    return Ramp(draw(numbers), draw(numbers), epochs=epochs, shape=shape, steps=steps)


def values(ramp, epochs):
    return [ramp.at(epoch) for epoch in range(epochs)]


def test_linear_has_equal_differences_and_stays_at_the_end():
    assert values(Ramp(1.0, 3.0, epochs=5), 7) == pytest.approx([1.0, 1.5, 2.0, 2.5, 3.0, 3.0, 3.0])


def test_exponential_has_equal_ratios():
    assert values(Ramp(1.0, 8.0, epochs=4, shape="exponential"), 5) == pytest.approx([1.0, 2.0, 4.0, 8.0, 8.0])


def test_cosine_is_half_way_in_the_middle_and_slow_at_both_ends():
    ramp = Ramp(0.0, 2.0, epochs=5, shape="cosine")
    early = 1 - math.cos(math.pi / 4)  # 2 (1 - cos(pi / 4)) / 2
    assert values(ramp, 6) == pytest.approx([0.0, early, 1.0, 2.0 - early, 2.0, 2.0])


def test_steps_are_plateaus_of_equal_length_and_height():
    ramp = Ramp(0.0, 1.0, epochs=6, shape="steps", steps=3)
    assert values(ramp, 8) == pytest.approx([0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0])


@settings(deadline=None)
@given(ramps())
def test_the_first_epoch_has_the_start_and_the_last_has_the_end(ramp):
    assert ramp.at(0) == pytest.approx(ramp.start)
    assert ramp.at(ramp.epochs - 1) == pytest.approx(ramp.end)
    assert ramp.at(ramp.epochs + 100) == pytest.approx(ramp.end)


@settings(deadline=None)
@given(ramps())
def test_it_moves_one_way_and_only_within_its_epochs(ramp):
    assume(abs(ramp.start - ramp.end) > 1e-3)
    path = values(ramp, ramp.epochs)
    sign = 1 if ramp.end > ramp.start else -1
    assert all(sign * (after - before) >= -1e-9 for before, after in pairwise(path))
    if ramp.shape != "steps":
        assert abs(ramp.at(ramp.epochs - 2) - ramp.end) > 0


@settings(deadline=None)
@given(ramps(), st.floats(0.1, 10.0), st.integers(0, 80))
def test_a_multiple_of_a_ramp_is_the_ramp_of_the_multiple(ramp, factor, epoch):
    assert (factor * ramp).at(epoch) == pytest.approx(factor * ramp.at(epoch))
    assert (ramp * factor).at(epoch) == pytest.approx(factor * ramp.at(epoch))


def test_times_a_loss_or_a_sum_it_is_a_factor_from_either_side():
    ramp = Ramp(0.5, 1.0, epochs=3)
    for objective in (ramp * SquaredError(), SquaredError() * ramp, ramp * Sum(SquaredError())):
        assert repr(objective) == "Sum(Ramp(0.5, 1.0, epochs=3) * SquaredError())"
    both = ramp * (2.0 * SquaredError() + AbsoluteError())
    assert [term.factor for term in both.parts] == [Ramp(1.0, 2.0, epochs=3), ramp]


def test_two_ramps_on_one_term_are_refused():
    with pytest.raises(ValueError, match="a term carries one ramp"):
        Ramp(0.5, 1.0, epochs=3) * (Ramp(0.5, 1.0, epochs=3) * SquaredError())


def test_it_prints_itself_as_the_call_that_made_it():
    for ramp in (Ramp(0.0, 1.0, epochs=3, shape="cosine"), Ramp(0.0, 1, epochs=6, shape="steps", steps=2)):
        assert eval(repr(ramp)) == ramp


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": math.nan}, "`start` is where the ramp begins"),
        ({"end": math.inf}, "`end` is where the ramp ends"),
        ({"end": "1"}, "`end` is where the ramp ends"),
        ({"epochs": 1}, "`epochs` of a ramp must be a whole number >= 2, one for each end; got 1"),
        ({"epochs": 2.0}, "`epochs` of a ramp"),
        ({"epochs": True}, "`epochs` of a ramp"),
        ({"shape": "liner"}, "`shape` must be one of 'linear', 'cosine', 'exponential', 'steps'; got 'liner'"),
        ({"shape": "exponential"}, "of an exponential ramp must be > 0; got 0.0 and 1.0"),
        ({"steps": 3}, '`steps` is read by shape="steps" alone'),
        ({"shape": "steps"}, "`steps` must be the number of plateaus, 2 to 5"),
        ({"shape": "steps", "steps": 1}, "got 1"),
        ({"shape": "steps", "steps": 6}, "2 to 5"),
    ],
)
def test_what_is_no_ramp_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Ramp(**{"start": 0.0, "end": 1.0, "epochs": 5} | arguments)
