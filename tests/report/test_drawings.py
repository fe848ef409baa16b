"""Figures that a task asks for in plain types."""

import io
import json
import math
import re
import shutil

import numpy as np
import pytest
from matplotlib.colors import to_hex

from piste.report.drawings import KINDS, asked_figures, read_drawing
from piste.report.figures.points import MOST_POINTS, thinned
from piste.report.palette import FAINT, run_colour
from piste.report.record import RunRecord

CONFUSION = {"kind": "confusion", "title": "C", "names": ["cat", "dog"], "counts": [[9, 1], [4, 6]]}
LINES = {
    "kind": "lines",
    "title": "L",
    "x": "recall",
    "y": "precision",
    "series": [{"name": "cat", "x": [0, 0.5, 1], "y": [1, None, 0.5]}],
}
POINTS = {"kind": "points", "title": "P", "x": "true", "y": "said", "series": [{"x": [1, 2, 4], "y": [1, 3, None]}]}
BARS = {
    "kind": "bars",
    "title": "B",
    "names": ["cat", "dog"],
    "series": [{"name": "recall", "values": [0.9, None]}],
    "unit": "share",
}
ALL = [CONFUSION, LINES, POINTS, BARS]


@pytest.mark.parametrize("document", ALL, ids=lambda document: document["kind"])
@pytest.mark.parametrize("width", [350, 540])
def test_every_kind_is_drawn_at_both_widths_and_told_in_words(document, width):
    drawing = read_drawing(document)
    figure = drawing.draw(width)
    figure.savefig(io.BytesIO(), format="svg")
    assert figure.get_size_inches()[0] * 72 == width
    assert drawing.told().startswith(document["title"])
    assert "nan" not in drawing.told()


def test_each_kind_that_the_contract_names_is_known():
    assert set(KINDS) == {document["kind"] for document in ALL}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "not a mapping"),
        ({"kind": "pie"}, "no kind 'pie'; "),
        ({"kind": "bar"}, "nearest: bars"),
        ({"kind": "bars", "names": ["a"]}, "series: Field required"),
        (BARS | {"names": ["a"]}, "2 values for 1 names"),
        (BARS | {"names": [], "series": []}, "names: "),
        (CONFUSION | {"counts": [[1, 2]]}, "2 names for a matrix of 1 rows"),
        (LINES | {"series": [{"name": "a", "x": [1, 2], "y": [1]}]}, "2 x and 1 y"),
        (POINTS | {"series": [{"x": ["far"], "y": [1]}]}, "series.0.x.0: "),
    ],
)
def test_what_is_wrong_with_a_figure_is_said_in_a_few_words(document, said):
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        read_drawing(document)
    assert "\n" not in str(caught.value)


def test_a_line_goes_through_its_points_and_breaks_where_there_is_none():
    axes = read_drawing(LINES).draw(540).axes[0]
    x, y = axes.lines[0].get_data()
    assert (list(x), list(y)[::2]) == ([0, 0.5, 1], [1, 0.5])
    assert math.isnan(y[1])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("recall", "precision")


def test_dashed_lines_are_pairs_of_whole_ones_or_muted_references():
    def line(name, *, dashed):
        return {"name": name, "x": [0, 1], "y": [0, 1], "dashed": dashed}

    pairs = LINES | {"series": [line(n, dashed=d) for n in "ab" for d in (False, True)]}
    colours = [to_hex(each.get_color()) for each in read_drawing(pairs).draw(540).axes[0].lines]
    assert colours == [run_colour(0), run_colour(0), run_colour(1), run_colour(1)]
    reference = LINES | {"series": [line("a", dashed=False), line("b", dashed=False), line("ideal", dashed=True)]}
    colours = [to_hex(each.get_color()) for each in read_drawing(reference).draw(540).axes[0].lines]
    assert colours[:2] == [run_colour(0), run_colour(1)]
    assert colours[2] not in colours[:2]


def test_shares_are_ticked_in_percent_and_the_diagonal_lies_where_both_are_equal():
    axes = read_drawing(LINES | {"x_range": [0, 1], "y_range": [0, 1.02], "diagonal": True}).draw(540).axes[0]
    (diagonal,) = [each for each in axes.lines if to_hex(each.get_color()) == FAINT]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    for axis in (axes.xaxis, axes.yaxis):
        assert axis.get_major_formatter()(0.25) == "25 %"


def test_points_on_a_square_have_one_scale_and_points_without_a_number_are_left_out():
    axes = read_drawing(POINTS | {"square": True}).draw(540).axes[0]
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.collections[0].get_offsets().tolist() == [[1, 1], [2, 3]]


def test_thinning_keeps_every_class_of_points_that_come_in_turns():
    points = [(float(i % 8), float(i)) for i in range(4 * MOST_POINTS)]
    kept = thinned(points)
    assert len(kept) == MOST_POINTS
    assert set(kept) <= set(points)
    assert min(np.bincount([int(x) for x, _ in kept])) > MOST_POINTS / 16
    assert thinned(points[:10]) == points[:10]


def test_bars_are_as_long_as_their_values_and_say_them():
    axes = read_drawing(BARS).draw(540).axes[0]
    assert [patch.get_width() for patch in axes.patches] == [0.9, 0]
    assert [text.get_text().replace("\u00a0", " ") for text in axes.texts] == ["90 %", "\u2013"]


def test_a_confusion_says_what_is_right_and_the_worst_mistake():
    told = read_drawing(CONFUSION).told().replace("\u00a0", " ")
    assert "75 % is right" in told
    assert "dog is taken for cat, 40 % of it" in told


def test_the_same_figure_of_both_splits_is_a_row_and_two_lone_ones_are_another(digits, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(digits, folder)
    evaluation = {"val": {"figures": [CONFUSION, BARS, POINTS]}, "test": {"figures": [CONFUSION]}}
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    troubles: list[str] = []
    rows = asked_figures(RunRecord.read(folder), tmp_path / "figures", troubles)
    assert [[each.title for each in row] for row in rows] == [["C"], ["B", "P"]]
    assert [split for split, _ in rows[0][0].pictures] == ["validation", "test"]
    assert troubles == []
    assert len(list((tmp_path / "figures").glob("*.png"))) == 4


def test_a_broken_figure_is_noted_and_the_others_drawn(digits, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(digits, folder)
    (folder / "evaluation.json").write_text(json.dumps({"val": {"figures": [{"kind": "pie"}, BARS]}, "test": None}))
    troubles: list[str] = []
    rows = asked_figures(RunRecord.read(folder), tmp_path / "figures", troubles)
    assert [each.title for row in rows for each in row] == ["B"]
    (trouble,) = troubles
    assert trouble.startswith("figure 1 of validation (no kind 'pie'")


@pytest.mark.parametrize(("highest", "clipped"), [(2.0, False), (6.0, True)])
def test_a_line_that_leaves_its_range_is_cut_off_and_one_within_lies_over_the_border(highest, clipped):
    document = {"kind": "lines", "title": "a", "series": [{"x": [0, 1], "y": [0, highest]}], "y_range": [0, 2]}
    figure = read_drawing(document).draw(572)
    figure.savefig(io.BytesIO(), format="svg")  # a line far beyond the border would leave no room for the axes
    assert figure.axes[0].lines[0].get_clip_on() == clipped
