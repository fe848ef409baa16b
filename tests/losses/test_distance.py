"""Signed distance maps: exact in every dimension and spacing, alike on both sides, defined where nothing is."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from piste.losses import signed_distance


def by_scipy(inside: np.ndarray, spacing: list[float]) -> np.ndarray:
    outside = distance_transform_edt(~inside, sampling=spacing)
    return outside - distance_transform_edt(inside, sampling=spacing)


@given(st.integers(1, 3), st.integers(0, 10**6), st.sampled_from([0.02, 0.3, 0.9]))
def test_is_scipy_s_in_one_to_three_dimensions_with_any_spacing(dimensions, seed, density) -> None:
    dice = np.random.default_rng(seed)
    shape = dice.integers(1, 14, dimensions)
    inside = dice.random((2, 3, *shape)) < density
    spacing = dice.uniform(0.1, 5.0, dimensions).tolist()
    got = signed_distance(torch.from_numpy(inside), spacing=spacing, dtype=torch.float64)
    for image in range(2):
        for c in range(3):
            if inside[image, c].any() and not inside[image, c].all():
                expected = torch.from_numpy(by_scipy(inside[image, c], spacing))
                torch.testing.assert_close(got[image, c], expected, rtol=1e-12, atol=1e-12)
            else:
                assert not got[image, c].any()


@pytest.mark.parametrize("side", [31, 32, 33, 257])
def test_is_exact_where_a_few_pixels_are_far_from_each_other(side) -> None:
    inside = torch.rand(2, 1, side, 97, generator=torch.Generator().manual_seed(side)) < 3 / (97 * side)
    inside[:, :, 3, 5] = True
    for image in inside[:, 0]:
        expected = torch.from_numpy(by_scipy(image.numpy(), [1.0, 1.0])).float()
        torch.testing.assert_close(signed_distance(image[None, None])[0, 0], expected)


def test_is_the_least_over_all_pixels_of_the_other_side() -> None:
    inside = torch.rand(1, 1, 6, 5, generator=torch.Generator().manual_seed(0)) < 0.4
    got = signed_distance(inside, spacing=[2.0, 0.5], dtype=torch.float64)[0, 0]
    places = [(row, column) for row in range(6) for column in range(5)]
    for row, column in places:
        here = inside[0, 0, row, column]
        least = min(
            ((2.0 * (row - r)) ** 2 + (0.5 * (column - c)) ** 2) ** 0.5 for r, c in places if inside[0, 0, r, c] != here
        )
        assert got[row, column].item() == pytest.approx(-least if here else least)


def test_both_sides_are_alike_and_fractions_are_kept() -> None:
    inside = torch.rand(2, 3, 9, 11, generator=torch.Generator().manual_seed(0)) < 0.3
    maps = signed_distance(inside)
    torch.testing.assert_close(signed_distance(~inside), -maps)
    assert bool(((maps < 0) == inside).all())
    assert bool((maps != maps.round()).any())


def test_of_class_ids_each_class_has_a_map_and_other_ids_are_outside_all() -> None:
    ids = torch.randint(4, (2, 7, 5), generator=torch.Generator().manual_seed(0))
    ids[ids == 3] = 255
    masks = torch.stack([ids == c for c in range(3)], 1)
    torch.testing.assert_close(signed_distance(ids, classes=3), signed_distance(masks))
    assert signed_distance(ids, classes=3).shape == (2, 3, 7, 5)


def test_a_class_that_is_nowhere_or_everywhere_has_no_outline() -> None:
    ids = torch.ones(1, 4, 4, dtype=torch.long)
    assert not signed_distance(ids, classes=3).any()


def test_what_is_unknown_is_on_neither_side() -> None:
    """The nearest known pixel of the class is two steps further."""
    labels = torch.tensor([[[[False, False, False, True, True, True]]]])
    mask = torch.tensor([[[[True, True, True, False, False, True]]]])
    expected = torch.tensor([[[[5.0, 4.0, 3.0, 0.0, 0.0, -3.0]]]])
    torch.testing.assert_close(signed_distance(labels, mask=mask), expected)
    torch.testing.assert_close(signed_distance(labels[:, 0].long(), classes=2, mask=mask[:, 0])[:, 1:], expected)


def test_has_the_digits_that_are_asked_for() -> None:
    inside = torch.tensor([[[[True, False], [False, False]]]])
    assert signed_distance(inside).dtype == torch.float32
    got = signed_distance(inside, dtype=torch.float64)[0, 0, 1, 1].item()
    assert got == pytest.approx(2**0.5, rel=1e-15)


def test_compiles_whole_for_any_size() -> None:
    compiled = torch.compile(signed_distance, fullgraph=True, backend="aot_eager")
    for shape in ((2, 1, 9, 3), (1, 2, 6, 13)):
        inside = torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.3
        torch.testing.assert_close(compiled(inside), signed_distance(inside))
    torch.compiler.reset()


IDS = torch.zeros(1, 3, 4, dtype=torch.long)


@pytest.mark.parametrize(
    ("labels", "keywords", "words"),
    [
        (IDS, {}, r"`labels` must be bool, \[N, C, \*S\], or class ids .*; got torch.int64"),
        (IDS.float(), {"classes": 2}, "`labels` must be class ids, integers .*; got torch.float32"),
        (IDS, {"classes": 0}, "`classes` must be an integer >= 1 or None; got 0"),
        (torch.zeros(2, dtype=torch.long), {"classes": 2}, r"one axis of pixels or more; got \[2\]"),
        (IDS, {"classes": 2, "spacing": [1.0]}, r"`spacing` must have one number for each of 2 axes.*got \[1.0\]"),
        (IDS, {"classes": 2, "spacing": 0.0}, "`spacing` is the size of a pixel and must be a number > 0; got 0.0"),
        (IDS, {"classes": 2, "mask": IDS}, r"`mask` must be bool and as `labels`, \[1, 3, 4\]; got torch.int64"),
        (IDS, {"classes": 2, "mask": IDS[0] > 0}, r"`mask` must be bool and as `labels`.*got torch.bool \[3, 4\]"),
    ],
)
def test_what_does_not_fit_is_refused(labels, keywords, words) -> None:
    with pytest.raises(ValueError, match=words):
        signed_distance(labels, **keywords)


def test_one_class_has_one_map() -> None:
    torch.testing.assert_close(
        signed_distance(torch.tensor([[0, 0, 1]]), classes=1), torch.tensor([[[-2.0, -1.0, 1.0]]])
    )
