"""The page of a run, as text."""

import json
import re
import shutil

import pytest
from PIL import Image

from piste.metrics.percent import SPACE, percent
from piste.report.page import write_report


def written(run) -> str:
    return write_report(run).read_text("utf-8").replace(SPACE, " ")


@pytest.fixture(scope="module")
def page(cycle) -> str:
    return written(cycle)


def test_the_headline_repeats_the_summary(cycle, page):
    scores = json.loads((cycle / "summary.json").read_text())["test"]["default"]
    counts = json.loads((cycle / "evaluation.json").read_text())["test"]["objects"]["default"]["lake"]
    recall, precision = (percent(scores[name]).replace(SPACE, " ") for name in ("recall", "precision"))
    assert (
        f"On 12 test images the model found {recall} of the lake pixels at {precision} precision; "
        f"{counts['matched']} of {counts['truth']} lakes."
    ) in page


def test_numbers_come_before_pictures_and_pictures_before_curves(page):
    places = [
        page.index(f'id="{section}"')
        for section in ("wall", "training", "balance", "confusion", "thresholds", "classes", "augmentation", "recipe")
    ]
    assert places == sorted(places)
    assert page.index('class="headline"') < page.index('class="numbers"') < places[0]


def test_the_wall_starts_with_the_worst(cycle, page):
    names = re.findall(r"<figcaption><b>(\w+)</b><span>IoU", page)
    images = json.loads((cycle / "evaluation.json").read_text())["val"]["images"]
    scores = {image["name"]: image["score"] for image in images}
    known = [scores[name] for name in names if scores[name] is not None]
    assert len(names) == 12
    assert known == sorted(known)
    assert known[0] == min(score for score in scores.values() if score is not None)


def test_both_thresholds_are_shown_on_both_splits(cycle, page):
    scores = json.loads((cycle / "summary.json").read_text())
    (row,) = re.findall(r"<tr><td>Recall</td>(.*?)</tr>", page)
    shown = re.findall(r"<td>([^<]*)</td>", row)
    assert shown == [f"{scores[s][c]['recall']:.3f}" for s in ("val", "test") for c in ("default", "best_threshold")]


def test_the_recipe_and_the_weights_are_there(cycle, page):
    text = re.sub("<.*?>", "", page)
    for line in (cycle / "recipe.yaml").read_text().splitlines():
        assert line.strip() in text
    assert "25.3" in text


def test_figures_are_png_of_twice_the_pixels_too(cycle, page):
    names = {path.stem for path in (cycle / "figures").iterdir()}
    assert names == {
        "augmentation", "classes", "confusion", "confusion_test", "curve", "learning_rate", "loss",
        "metrics", "plane", "wall",
    }  # fmt: skip
    for path in (cycle / "figures").iterdir():
        with Image.open(path) as image:
            assert image.width > 700


def test_the_page_stands_alone(page):
    links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", page)
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "<script" not in page


def test_no_half_page_and_no_scrap_is_left(cycle, page):
    assert page.rstrip().endswith("</html>")
    assert not list(cycle.glob("*.tmp"))


def test_an_unfinished_run_has_a_page(killed):
    page = written(killed)
    assert "After 5 of 12 epochs, on validation: found" in page
    assert "unfinished" in page
    assert 'id="training"' in page
    assert 'id="thresholds"' not in page


def test_a_failed_run_says_why_first(failed):
    page = written(failed)
    assert re.search(r'class="headline">Failed: the loss term jaccard is not finite', page)
    assert "After 2 of 12 epochs" in page


def test_a_run_that_has_only_a_recipe_has_a_page(tmp_path):
    (tmp_path / "recipe.yaml").write_text("task: segmentation\n")
    page = written(tmp_path)
    assert "No epoch has ended yet; 0 steps so far." in page
    assert 'id="recipe"' in page


def test_a_run_in_its_first_epoch_has_a_page(killed, tmp_path):
    folder = tmp_path / "young"
    shutil.copytree(killed, folder)
    lines = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    (folder / "events.jsonl").write_text("".join(lines[:3]))
    page = written(folder)
    assert "No epoch has ended yet; 2 steps so far." in page
    assert 'id="training"' in page
    assert 'id="balance"' not in page


def test_a_run_without_a_test_split_is_judged_on_validation(cycle, tmp_path):
    folder = tmp_path / "untested"
    shutil.copytree(cycle, folder)
    for name in ("summary.json", "evaluation.json"):
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | {"test": None}))
    page = written(folder)
    assert "On 12 validation images the model found" in page
    assert "test images" not in page


def test_what_is_damaged_is_named_and_the_rest_shown(cycle, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(cycle, folder)
    (folder / "wall.npz").write_bytes(b"PK")
    page = written(folder)
    assert "Left out, because the file can\u2019t be read: wall.npz" in page
    assert 'id="wall"' not in page
    assert 'id="balance"' in page


def test_names_are_text_and_never_markup(cycle, tmp_path):
    folder = tmp_path / "<b>run"
    shutil.copytree(cycle, folder)
    summary = json.loads((folder / "summary.json").read_text())
    evil = "<script>alert(1)</script>"
    text = json.dumps(summary).replace('"lake"', json.dumps(evil)).replace("/lake", f"/{evil}")
    (folder / "summary.json").write_text(text)
    with open(folder / "recipe.yaml", "a") as file:
        file.write(f"note: '{evil}'\n")
    page = written(folder)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<h1>&lt;b&gt;run</h1>" in page


def test_writing_again_replaces_the_page(killed):
    assert written(killed).count("<html") == written(killed).count("<html") == 1


def test_a_folder_that_is_no_run_stays_as_it_is(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no run"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []
