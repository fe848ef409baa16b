"""Object scores on drawings small enough to count by eye."""

import math
from collections import deque

import pytest
import torch

from piste.metrics import ObjectScores, metric_names
from piste.metrics.objects import ObjectCounts


def drawn(picture: str) -> torch.Tensor:
    """One image from rows of characters: `.` background, `#` lake, `o` road, `?` ignored."""
    kinds = {".": 0, "#": 1, "o": 2, "?": 255}
    return torch.tensor([[[kinds[c] for c in row] for row in picture.split()]])


def counted(predicted: str, truth: str, **arguments) -> ObjectCounts:
    scores = ObjectScores(["background", "lake"], 0, **arguments)
    scores.update(drawn(predicted), drawn(truth))
    return scores.counts()["lake"]


def scores_of(predicted: str, truth: str) -> dict[str, float]:
    scores = ObjectScores(["background", "lake"], 0)
    scores.update(drawn(predicted), drawn(truth))
    return scores.compute()


def test_one_found_one_missed_one_made_up():
    truth = "##.... ##.... ....## ....##"
    said = "##.... ##.... #..... ##...."  # a 2x2 lake that grew by three pixels, and none on the right
    assert counted(said, truth) == ObjectCounts(truth=2, predicted=1, matched=1)  # 4 of 7 pixels shared
    found = scores_of(said, truth)
    assert found["object_precision"] == 1.0
    assert found["object_recall"] == 0.5
    assert found["object_f1"] == pytest.approx(2 / 3)
    assert found["object_count_error"] == 1.0


def test_precision_and_recall_are_not_each_other():
    found = scores_of("#.#.#", "#....")
    assert (found["object_precision"], found["object_recall"]) == pytest.approx((1 / 3, 1.0))


def test_an_overlap_of_exactly_a_half_matches():
    assert counted("####", "##..") == ObjectCounts(1, 1, 1)  # 2 / 4
    assert counted("##..", "####") == ObjectCounts(1, 1, 1)


def test_an_overlap_below_a_half_does_not():
    assert counted("#####", "##...") == ObjectCounts(1, 1, 0)  # 2 / 5
    assert counted("##.", ".##") == ObjectCounts(1, 1, 0)  # 1 / 3


def test_a_stricter_overlap_can_be_asked_for():
    assert counted("####", "###.", min_iou=0.75) == ObjectCounts(1, 1, 1)
    assert counted("####", "###.", min_iou=0.76) == ObjectCounts(1, 1, 0)


def test_lakes_that_touch_in_the_prediction_are_one_lake():
    # the bridge makes one object of 7 pixels, which shares 3 with each true one: 3 / 7
    assert counted("#######", "###.###") == ObjectCounts(truth=2, predicted=1, matched=0)


def test_one_lake_broken_in_two_matches_at_most_once():
    assert counted("####.#", "######") == ObjectCounts(truth=1, predicted=2, matched=1)
    assert counted("##.##", "#####") == ObjectCounts(truth=1, predicted=2, matched=0)


def test_corners_join_unless_only_sides_count():
    corner = "#. .#"
    assert counted(corner, corner) == ObjectCounts(1, 1, 1)
    assert counted(corner, corner, connectivity=4) == ObjectCounts(2, 2, 2)


def test_empty_prediction_and_empty_truth():
    missed, made_up = scores_of("....", ".##."), scores_of(".##.", "....")
    for found in (missed, made_up):
        assert found["object_precision"] == found["object_recall"] == found["object_f1"] == 0.0
        assert found["object_count_error"] == 1.0


def test_nothing_there_and_nothing_said_has_no_score():
    assert all(math.isnan(value) for value in scores_of("....", "....").values())


def test_a_class_that_is_nowhere_is_in_no_mean():
    scores = ObjectScores(["background", "lake", "road"], 0)
    scores.update(drawn("##.."), drawn("##.."))
    found = scores.compute()
    assert math.isnan(found["object_f1/road"])
    assert found["object_f1"] == found["object_f1/lake"] == 1.0


def test_classes_do_not_match_across():
    scores = ObjectScores(["background", "lake", "road"], 0)
    scores.update(drawn("##oo"), drawn("oo##"))
    assert scores.counts() == {"lake": ObjectCounts(1, 1, 0), "road": ObjectCounts(1, 1, 0)}


def test_ignored_pixels_belong_to_no_object():
    assert counted("##.##", "##.??") == ObjectCounts(1, 1, 1)
    assert counted("#####", "##?##") == ObjectCounts(2, 2, 2)


def test_objects_of_different_images_stay_apart():
    scores = ObjectScores(["background", "lake"], 0)
    scores.update(torch.cat([drawn("##.."), drawn("....")]), torch.cat([drawn("...."), drawn("##..")]))
    assert scores.counts()["lake"] == ObjectCounts(1, 1, 0)


def test_count_error_is_the_mean_distance_in_an_image():
    scores = ObjectScores(["background", "lake"], 0)
    scores.update(drawn("#.#.#"), drawn("#...."))  # two too many
    scores.update(drawn("....."), drawn("..#.."))  # one too few
    scores.update(drawn("....."), drawn("....."))
    assert scores.compute()["object_count_error"] == pytest.approx((2 + 1 + 0) / 3)


def test_reset_forgets():
    scores = ObjectScores(["background", "lake"], 0)
    scores.update(drawn("#.#.#"), drawn("#...."))
    scores.reset()
    scores.update(drawn("##"), drawn("##"))
    assert scores.counts()["lake"] == ObjectCounts(1, 1, 1)
    assert scores.compute()["object_count_error"] == 0.0


def components(mask: torch.Tensor) -> list[set[tuple[int, int]]]:
    """Connected components over eight neighbours by breadth-first search."""
    left = {(i, j) for i, j in mask.nonzero().tolist()}
    found = []
    while left:
        queue = deque([left.pop()])
        part = set(queue)
        while queue:
            i, j = queue.popleft()
            for step in [(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]:
                if step in left:
                    left.remove(step)
                    part.add(step)
                    queue.append(step)
        found.append(part)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_random_drawings_against_a_search_over_sets(seed):
    generator = torch.Generator().manual_seed(seed)
    truth = (torch.rand(1, 11, 13, generator=generator) < 0.3).long()
    flipped = torch.rand(1, 11, 13, generator=generator) < 0.08
    predicted = torch.where(flipped, 1 - truth, truth)
    scores = ObjectScores(["background", "lake"], 0)
    scores.update(predicted, truth)
    said, is_so = components(predicted[0] == 1), components(truth[0] == 1)
    pairs = [
        (p, t)
        for p in range(len(said))
        for t in range(len(is_so))
        if 2 * len(said[p] & is_so[t]) >= len(said[p] | is_so[t])
    ]
    assert len({p for p, _ in pairs}) == len({t for _, t in pairs}) == len(pairs)  # one to one
    assert scores.counts()["lake"] == ObjectCounts(len(is_so), len(said), len(pairs))


def test_names_are_the_declared_ones():
    names = {name for name in metric_names(["background", "lake"], 0) if name.startswith("object_")}
    assert names == set(scores_of("#", "#"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"connectivity": 6}, "`connectivity` must be 4 or 8; got 6"),
        ({"min_iou": 0.4}, r"`min_iou` must lie in \[0\.5, 1\]"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ObjectScores(["background", "lake"], 0, **arguments)


def test_refused_shapes():
    with pytest.raises(ValueError, match=r"class indices \[N, H, W\]"):
        ObjectScores(["background", "lake"], 0).update(torch.zeros(2, 3, 5, 7), torch.zeros(2, 5, 7))
