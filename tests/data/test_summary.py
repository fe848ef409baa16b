"""A summary says what each split holds."""

from piste.balance import ClassCounts
from piste.data import SegmentationDataRecipe, open_segmentation, summarise
from tests.data.files import folder, labels, picture, save
from tests.data.test_segmentation import SPLIT


def test_splits_are_summed_up(tmp_path):
    folder(tmp_path, split=SPLIT)
    save(tmp_path / "images/f.png", picture(5, 3, 40))
    save(tmp_path / "masks/f.png", labels(3, 40, lake=0))
    data = open_segmentation(SegmentationDataRecipe(path=str(tmp_path), classes=["background", "lake"]))
    summary = summarise(data)
    assert (summary.path, summary.class_names, summary.background) == (str(tmp_path), ("background", "lake"), 0)
    assert list(summary.splits) == ["train", "val", "test"]
    assert summary.splits["train"].counts == data.counts
    val = summary.splits["val"]
    assert (val.images, val.smallest, val.largest) == (2, (6, 8), (3, 40))
    assert val.counts == ClassCounts(pixels=(43 + 120, 5), images=(2, 1), containing=(168, 48), total=168)
