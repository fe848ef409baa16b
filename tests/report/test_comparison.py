"""The page of several runs, as text."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from piste.report.comparison import write_comparison
from piste.report.record import RunRecord
from piste.report.wall import compared_wall


@pytest.fixture(scope="module")
def page(cycle, plain, tmp_path_factory) -> str:
    return write_comparison([cycle, plain], tmp_path_factory.mktemp("comparison")).read_text("utf-8")


def test_each_run_says_what_it_found(page):
    stories = re.findall(r'<b>(\w+)</b> · on 12 test images</div><p class="what">(.*?)</p>', page)
    assert [name for name, _ in stories] == ["cycle", "plain"]
    assert all(text.startswith("Found") for _, text in stories)


def test_a_run_has_its_own_colour_wherever_it_is_named(page):
    stories = page[page.index('class="stories"') : page.index("</ul>")]
    assert re.findall(r"--of-run: (var\(--run-\d\)).*?<b>(\w+)", stories) == [
        ("var(--run-1)", "cycle"),
        ("var(--run-2)", "plain"),
    ]
    heads = re.findall(r'--of-run: (var\(--run-\d\))"></span>(cycle|plain)', page)
    assert set(heads) == {("var(--run-1)", "cycle"), ("var(--run-2)", "plain")}


def test_only_what_differs_in_the_recipes_is_shown(page):
    section = page[page.index('id="recipes"') :]
    assert re.findall(r"<tr><td>([\w.]+)</td><td><pre>", section) == ["loss", "seed"]


def test_no_value_of_a_loss_is_on_the_page(cycle, plain, tmp_path):
    runs = []
    for run in (cycle, plain):
        runs.append(tmp_path / run.name)
        shutil.copytree(run, runs[-1])
        events = (run / "events.jsonl").read_text()
        (runs[-1] / "events.jsonl").write_text(re.sub(r'("loss"|"raw"|"weighted"): [\d.e-]+', r"\1: 7654.25", events))
    assert RunRecord.read(runs[0]).epochs[0]["val"]["loss"] == 7654.25
    texts = re.sub(
        r"<style.*?</style>|<[^>]*>", " ", write_comparison(runs, tmp_path / "out").read_text("utf-8"), flags=re.DOTALL
    )
    assert "0.5" in texts
    assert not re.search(r"\b7.?654", texts)


def test_the_best_values_are_marked(page, cycle, plain):
    recalls = [json.loads((run / "summary.json").read_text())["val"]["default"]["recall"] for run in (cycle, plain)]
    (row,) = re.findall(r"<tr><td>Recall</td>(.*?)</tr>", page)[:1]
    cells = re.findall(r"<td( class=\"best\")?>([\d.]+)", row)
    assert [value for _, value in cells] == [f"{value:.3f}" for value in recalls]
    assert [bool(mark) for mark, _ in cells] == [value == max(recalls) for value in recalls]


def test_the_same_images_stand_side_by_side(cycle, plain):
    records = [RunRecord.read(run) for run in (cycle, plain)]
    tiles = compared_wall(records)
    assert {tile.name for tile in tiles} == {tile.name for tile in records[0].wall}
    for tile in tiles:
        assert [layer.heading for layer in tile.layers] == ["truth", "cycle", "plain"]
        assert all(tile.name in layer.alt for layer in tile.layers)


def test_the_greatest_differences_come_first(cycle, plain):
    records = [RunRecord.read(run) for run in (cycle, plain)]
    scores = [{tile.name: 1.0 if np.isnan(tile.score) else tile.score for tile in record.wall} for record in records]
    spreads = [abs(scores[0][tile.name] - scores[1][tile.name]) for tile in compared_wall(records)]
    assert spreads == sorted(spreads, reverse=True)


def test_runs_on_other_images_share_no_wall(cycle, plain, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(plain, other)
    arrays = dict(np.load(other / "wall.npz"))
    arrays["names"] = np.array([f"other{i}" for i in range(len(arrays["names"]))])
    np.savez(other / "wall.npz", **arrays)
    page = write_comparison([cycle, other], tmp_path / "out").read_text("utf-8")
    assert 'id="wall"' not in page
    assert 'id="metrics"' in page


def test_runs_in_any_state_can_be_compared(cycle, killed, failed, tmp_path):
    page = write_comparison([cycle, killed, failed], tmp_path).read_text("utf-8")
    assert "unfinished" in page
    assert "Failed: the loss term jaccard is not finite" in page
    assert {path.name for path in (tmp_path / "figures").iterdir()} >= {"plane.png", "glance.png", "metrics.png"}


def test_the_wall_is_a_png_too(cycle, plain, tmp_path):
    write_comparison([cycle, plain], tmp_path)
    with Image.open(tmp_path / "figures" / "wall.png") as wall:
        assert wall.width > 4 * 200
        assert wall.height > 12 * 200


def test_one_run_is_no_comparison(cycle, tmp_path):
    with pytest.raises(ValueError, match="takes two runs or more; got 1"):
        write_comparison([cycle], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_run_is_refused(cycle, tmp_path):
    with pytest.raises(FileNotFoundError, match="is no run"):
        write_comparison([cycle, tmp_path], tmp_path / "out")
    assert not (tmp_path / "out").exists()
