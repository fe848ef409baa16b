import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from piste.balance import METHODS, ClassCounts, class_weights, positive_weights

COUNTS = [600.0, 300.0, 100.0]
CONTAINING = [1000.0, 500.0, 400.0]  # so the shares are 0.6, 0.6, 0.25

LONG_TAIL = [5000 * 0.01 ** (c / 9) for c in range(10)]
"""Ten classes from 5000 samples down to 50, the imbalance of 100 in Cui et al. 2019."""


def weights(method, counts=COUNTS, **settings):
    if method == "median" and "containing" not in settings:
        settings["containing"] = CONTAINING[: len(counts)]
    return class_weights(counts, method, **settings)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("inverse", [1000 / 1800, 1000 / 900, 1000 / 300]),
        ("sqrt_inverse", [(1000 / 1800) ** 0.5, (1000 / 900) ** 0.5, (1000 / 300) ** 0.5]),
        ("median", [1.0, 1.0, 0.6 / 0.25]),
        ("enet", [1 / math.log(1.62), 1 / math.log(1.32), 1 / math.log(1.12)]),
    ],
)
def test_each_method_is_the_formula_of_its_paper(method, expected):
    assert_close(weights(method, normalize=False), torch.tensor(expected))


def test_effective_is_one_over_the_effective_number():
    # beta 0.5: 1 element is worth (1 - 0.5) / 0.5 = 1, two are worth (1 - 0.25) / 0.5 = 1.5
    assert_close(class_weights([1, 2], "effective", beta=0.5, normalize=False), torch.tensor([1.0, 1 / 1.5]))


@pytest.mark.parametrize(
    ("settings", "first", "last"),
    [
        ({"method": "effective", "beta": 0.99}, 0.784, 1.984),
        ({"method": "effective", "beta": 0.999}, 0.181, 3.688),
        ({"method": "effective", "beta": 0.9999}, 0.051, 3.993),
        ({"method": "inverse"}, 0.040, 4.024),
    ],
)
def test_long_tail_weights_are_those_published(settings, first, last):
    found = class_weights([round(n) for n in LONG_TAIL], **settings)
    assert_close(found[[0, -1]], torch.tensor([first, last]), rtol=0, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_weights_average_one_and_rare_classes_weigh_more(method):
    found = weights(method)
    assert found.dtype == torch.float32
    assert_close(found.mean(), torch.tensor(1.0))
    assert found[2] > found[0]


def test_effective_without_beta_takes_the_papers_own_and_never_saturates():
    millions = [98_000_000, 2_000_000]
    assert_close(class_weights(millions, "effective"), class_weights(millions, "effective", beta=1 - 1e-8))
    # b^n = exp(-n / N), so the ratio is (1 - exp(-0.98)) / (1 - exp(-0.02))
    found = class_weights(millions, "effective", normalize=False)
    assert_close(found[1] / found[0], torch.tensor((1 - math.exp(-0.98)) / (1 - math.exp(-0.02))))


def test_power_is_applied_to_the_weights():
    assert_close(weights("inverse", power=0.5), weights("sqrt_inverse"))


def test_cap_is_a_multiple_of_the_lightest_class():
    found = class_weights([900, 90, 10], "inverse", cap=4.0)
    assert_close(found / found[0], torch.tensor([1.0, 4.0, 4.0]))
    assert_close(found.sum(), torch.tensor(3.0))


def test_cap_comes_after_power():
    found = class_weights([900, 100], "inverse", power=0.5, cap=3.0)
    assert_close(found[1] / found[0], torch.tensor(3.0))  # 9 ** 0.5, just not capped


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(1, 10**9), min_size=2, max_size=6),
    method=st.sampled_from([m for m in METHODS if m != "median"]),
    power=st.floats(0.1, 2.0),
    cap=st.none() | st.floats(1.0, 100.0),
)
def test_weights_are_positive_ordered_and_within_the_cap(counts, method, power, cap):
    found = class_weights(counts, method, power, cap).double()
    assert torch.isfinite(found).all()
    assert (found > 0).all()
    assert_close(found.mean(), torch.tensor(1.0, dtype=torch.float64), rtol=1e-5, atol=0)
    if cap is not None:
        assert found.max() <= cap * found.min() * (1 + 1e-5)
    for here, there in zip(range(len(counts)), range(1, len(counts)), strict=False):
        assert (found[here] - found[there]) * (counts[here] - counts[there]) <= 0


@settings(deadline=None)
@given(counts=st.lists(st.integers(1, 1000), min_size=2, max_size=5), scale=st.integers(2, 50))
def test_inverse_sees_proportions_only(counts, scale):
    assert_close(class_weights(counts, "inverse"), class_weights([n * scale for n in counts], "inverse"))


def test_counts_may_be_a_tensor():
    assert_close(class_weights(torch.tensor([90, 10]), "inverse"), torch.tensor([0.2, 1.8]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "invers"}, "got 'invers'; nearest: inverse"),
        ({"counts": [5]}, "at least two classes"),
        ({"counts": [5, -1]}, "must be numbers >= 0; class 1 has -1"),
        ({"counts": [5, math.nan]}, "must be numbers >= 0; class 1 has nan"),
        ({"counts": [5, 0, 3, 0]}, "class 1, 3 never occurs"),
        ({"counts": [5, 0], "method": "enet"}, "class 1 never occurs"),
        ({"power": 0.0}, "`power` must be a number > 0"),
        ({"power": math.inf}, "`power` must be a number > 0"),
        ({"cap": 0.5}, "`cap` is a multiple"),
        ({"method": "median"}, "`containing` is needed"),
        ({"method": "median", "containing": [9.0]}, "got 1 for 2 classes"),
        ({"method": "median", "containing": [9.0, 0.5]}, "class 1 has 0.5 and 1"),
        ({"beta": 0.9}, "read by the method effective alone; got it with inverse"),
        ({"method": "effective", "beta": 1.0}, r"`beta` must lie in \[0, 1\)"),
        ({"method": "effective", "beta": 0.9, "counts": [10**6, 10**5]}, "weighs every class alike"),
    ],
)
def test_what_no_weight_can_be_made_from_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message) as refusal:
        class_weights(**{"counts": [9, 1], "method": "inverse"} | arguments)
    assert "\n" not in str(refusal.value)


def test_equal_counts_may_weigh_the_same():
    assert_close(class_weights([10**6, 10**6], "effective", beta=0.9), torch.ones(2))


def test_pos_weight_by_inverse_frequency_is_absences_per_presence():
    assert_close(positive_weights([20, 50], 100, "inverse"), torch.tensor([4.0, 1.0]))
    assert_close(positive_weights([20], 100, "sqrt_inverse"), torch.tensor([2.0]))
    assert_close(positive_weights([20], 100, "inverse", cap=3.0), torch.tensor([3.0]))


def test_pos_weight_by_median_frequency_uses_the_images_that_hold_the_label():
    # absence: 80 of 100; presence: 20 of 25. Both shares are 0.8.
    assert_close(positive_weights([20], 100, "median", containing=[25]), torch.tensor([1.0]))


@pytest.mark.parametrize("count", [0, 100])
def test_pos_weight_of_a_label_without_two_sides_is_refused(count):
    with pytest.raises(ValueError, match=f"label 1 has {count}"):
        positive_weights([20, count], 100, "inverse")


def test_counts_of_some_classes_keep_the_total():
    counts = ClassCounts(pixels=(70, 20, 10), images=(4, 2, 1), containing=(100, 60, 30), total=100)
    assert counts.of([1, 2]) == ClassCounts((20, 10), (2, 1), (60, 30), total=100)
