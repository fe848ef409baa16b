"""The pages of runs whose tasks draw their own pictures, as text."""

import base64
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from piste.metrics.percent import SPACE
from piste.report.comparison import write_comparison
from piste.report.page import write_report
from piste.report.pictures import SMALL
from piste.report.record import RunRecord
from piste.report.snapshots import OPEN, moments
from piste.report.story import headline
from piste.report.strips import compared_strips, strip_wall


@pytest.fixture(scope="module")
def digits_page(digits) -> str:
    return write_report(digits).read_text("utf-8").replace(SPACE, " ")


@pytest.fixture(scope="module")
def sharp_page(sharp) -> str:
    return write_report(sharp).read_text("utf-8").replace(SPACE, " ")


def test_the_headline_is_the_task_s_own_sentence(digits, digits_page):
    story = json.loads((digits / "summary.json").read_text())["story"]
    assert f'class="headline">On 300 test images the model {story["test"]}.' in digits_page
    assert f"On 200 validation images: {story['val']}." in digits_page


def test_what_is_no_image_is_not_counted_as_one(sharp, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(sharp, folder)
    evaluation = json.loads((folder / "evaluation.json").read_text())
    evaluation["val"]["samples"] = evaluation["val"]["samples"][:3]
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    assert headline(RunRecord.read(folder))[0].startswith("On validation the model restored")


def test_the_key_metrics_head_the_page_in_their_order(digits_page):
    heads = re.findall(r"<dt>(.*?)</dt>", digits_page)
    assert heads == ["Accuracy", "F1", "Precision", "Recall", "Error rate"]


def test_a_run_that_goes_on_tells_its_key_metrics(going):
    page = write_report(going).read_text("utf-8").replace(SPACE, " ")
    scores = RunRecord.read(going).metrics_at(-1)
    assert "After 2 of 2 epochs, on validation: reached Accuracy" in page
    assert f"{100 * scores['accuracy']:.1f} %" in page
    assert "lake" not in page


def test_sections_come_in_the_order_of_every_page(digits_page):
    sections = ["wall", "training", "balance", "figure-1", "scores", "parts", "classes", "augmentation", "recipe"]
    places = [digits_page.index(f'id="{section}"') for section in sections]
    assert places == sorted(places)


def test_figures_of_the_task_stand_under_its_titles_for_both_splits(digits_page):
    section = digits_page[digits_page.index('id="figure-1"') : digits_page.index('id="figure-2"')]
    assert "<h2>What is taken for what</h2>" in section
    assert re.findall(r"<h3>(\w+)</h3>", section) == ["Validation", "Test"]


def test_every_figure_is_a_png_too(digits, digits_page, sharp, sharp_page):
    names = {path.stem for path in (digits / "figures").iterdir()}
    assert names >= {"wall", "augmentation", "metrics", "confusion_1_val", "confusion_1_test", "lines_2_val"}
    assert "snapshots" in {path.stem for path in (sharp / "figures").iterdir()}


def test_the_plane_needs_precision_and_recall(digits_page, sharp_page):
    assert 'id="balance"' in digits_page
    assert 'id="balance"' not in sharp_page


def test_the_wall_keeps_the_task_s_order_and_notes(digits, digits_page):
    strips = RunRecord.read(digits).strips
    names = re.findall(r"<figcaption><b>(digit\d+)</b><span>(.*?)</span>", digits_page)
    assert names == [(sample.name, sample.note) for sample in strips.samples]


def test_small_pictures_are_sent_as_they_are_and_enlarged_without_blur(digits):
    strips = RunRecord.read(digits).strips
    panel = strip_wall(strips).samples[0].panels[0]
    assert panel.small
    assert panel.uri.startswith("data:image/png")
    with Image.open(io.BytesIO(base64.b64decode(panel.uri.partition(",")[2]))) as sent:
        assert np.array_equal(np.asarray(sent.convert("RGB")), strips.samples[0].panels[0])


def test_large_pictures_are_reduced(sharp):
    strips = RunRecord.read(sharp).strips
    large = np.kron(strips.samples[0].panels[0], np.ones((6, 6, 1), np.uint8))
    wall = strip_wall(strips._replace(samples=[strips.samples[0]._replace(panels=[large])]))
    with Image.open(io.BytesIO(base64.b64decode(wall.samples[0].panels[0].uri.partition(",")[2]))) as sent:
        assert SMALL < max(sent.size) <= 400
    assert not wall.samples[0].panels[0].small


def test_wide_pictures_stand_one_below_the_other(sharp):
    strips = RunRecord.read(sharp).strips
    assert not strip_wall(strips).flat
    line = strips.samples[0].panels[0][:20]
    assert strip_wall(strips._replace(samples=[strips.samples[0]._replace(panels=[line, line])])).flat


def test_the_first_and_the_last_epoch_are_among_the_snapshots_shown(sharp, sharp_page):
    found = moments(RunRecord.read(sharp))
    assert len(found.open) == OPEN
    assert (found.open[0].caption, found.open[-1].caption) == ("epoch 1", "epoch 15, best")
    assert found.total == len(found.open) + len(found.folded) == 15
    assert "<summary>3 more</summary>" in sharp_page


def test_the_snapshot_of_the_kept_epoch_stands_large_before_the_others(sharp, sharp_page):
    found = moments(RunRecord.read(sharp))
    assert found.kept is not None
    assert found.kept.caption == "epoch 15, best"
    first = re.search(r"<figure[^>]*><img[^>]*src=\"([^\"]*)\"", sharp_page[sharp_page.index('id="snapshots"') :])
    assert first is not None
    assert first[1] == found.kept.uri


def test_another_way_of_asking_has_its_own_columns(sharp, sharp_page):
    section = sharp_page[sharp_page.index('id="scores"') :]
    assert re.findall(r"<th[^>]*>(\w+)</th>", section)[:4] == ["validation", "default", "blurred", "change"]
    scores = json.loads((sharp / "summary.json").read_text())["val"]
    (row,) = re.findall(r"<tr><td>PSNR \(dB\)</td>(.*?)</tr>", section)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row)
    assert cells[:2] == [f"{scores[choice]['psnr']:.2f}" for choice in ("default", "blurred")]


def test_runs_of_different_tasks_are_refused_in_one_line(digits, sharp, tmp_path):
    with pytest.raises(ValueError, match="only runs of one task can be compared") as caught:
        write_comparison([digits, sharp], tmp_path / "out")
    assert str(caught.value).endswith("got digits of classification, sharp of restoration")
    assert not (tmp_path / "out").exists()


def test_in_a_comparison_what_runs_share_is_shown_once_then_each_run_s_own(sharp, duller, tmp_path):
    records = [RunRecord.read(run) for run in (sharp, duller)]
    for sample in compared_strips(records).samples:
        assert [panel.heading for panel in sample.panels] == ["input", "truth", "sharp", "duller"]
        assert [panel.run for panel in sample.panels] == [-1, -1, 0, 1]
        assert [run for run, _ in sample.notes] == [0, 1]
    page = write_comparison([sharp, duller], tmp_path).read_text("utf-8")
    assert 'id="wall"' in page
    assert "<td>PSNR (dB)</td>" in page
    assert 'id="balance"' not in page


def test_names_and_notes_are_text_and_never_markup(digits, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(digits, folder)
    evil = "<script>alert(1)</script>"
    for name in ("summary.json", "evaluation.json", "events.jsonl"):
        text = (folder / name).read_text().replace('"nine"', json.dumps(evil)).replace("/nine", f"/{evil}")
        (folder / name).write_text(text.replace("What is taken for what", evil).replace('"F1"', json.dumps(evil)))
    arrays = dict(np.load(folder / "wall.npz"))
    arrays["notes"] = np.array([evil] * len(arrays["notes"]))
    arrays["panel_names"] = np.array([evil])
    np.savez(folder / "wall.npz", **arrays)
    page = write_report(folder).read_text("utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 10


@pytest.mark.parametrize("name", ["wall.npz", "evaluation.json", "snapshots/0003.png"])
def test_what_is_damaged_is_named_and_the_rest_shown(sharp, tmp_path, name):
    folder = tmp_path / "run"
    shutil.copytree(sharp, folder)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    record = RunRecord.read(folder)
    assert record.unreadable == [name]
    assert len(record.snapshots) == 15 - name.startswith("snapshots")


@pytest.mark.parametrize(
    ("name", "array"),
    [("notes", np.array(["one"])), ("panel_0_1", np.zeros((4, 4, 3))), ("panel_names", np.array("{"))],
)
def test_a_wall_that_lacks_something_is_named(sharp, tmp_path, name, array):
    folder = tmp_path / "run"
    shutil.copytree(sharp, folder)
    np.savez(folder / "wall.npz", **(dict(np.load(folder / "wall.npz")) | {name: array}))
    record = RunRecord.read(folder)
    assert record.unreadable == ["wall.npz"]
    assert record.strips.samples == []


def test_augmentation_without_masks_is_read_by_its_older_names_too(digits, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(digits, folder)
    picture = np.zeros((8, 8, 3), np.uint8)
    np.savez(folder / "augmented.npz", names=["a"], original_0=picture, augmented_0_0=picture, augmented_0_1=picture)
    strips = RunRecord.read(folder).augmented_strips
    assert strips.headings == ["original", "augmented 1", "augmented 2"]
    assert len(strips.samples[0].panels) == 3
