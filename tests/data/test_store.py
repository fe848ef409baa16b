"""Cached and uncached samples are the same, after what the recipe prepares."""

import pickle

import numpy as np
import pytest
import torch

from piste.data import SegmentationDataRecipe, open_segmentation
from piste.data import store as store_module
from piste.data.folder import Sample, list_samples
from piste.data.problems import DataError
from piste.data.segmentation import reader_of
from piste.data.store import Store, fits_in_memory
from tests.data.files import folder, labels, picture, save


def recipe(path, **settings):
    return SegmentationDataRecipe(path=str(path), classes=["background", "lake"], **settings)


def test_memory_holds_what_the_files_hold(tmp_path):
    folder(tmp_path, "abc")
    save(tmp_path / "images/d.png", picture(9, 4, 5))  # another size
    save(tmp_path / "masks/d.png", labels(4, 5, lake=2))
    reader, samples = reader_of(recipe(tmp_path)), list_samples(tmp_path).samples
    for cached in (True, False):
        store = Store(reader, samples, cached)
        assert len(store) == 4
        for index, seed in enumerate((0, 1, 2, 9)):
            height, width = (4, 5) if seed == 9 else (6, 8)
            image, mask = store[index]
            assert (image.dtype, mask.dtype) == (torch.uint8, torch.uint8)
            np.testing.assert_array_equal(image.permute(1, 2, 0), picture(seed, height, width))
            np.testing.assert_array_equal(mask, labels(height, width, lake=2 if seed == 9 else 5))


def test_a_cached_store_reads_each_file_once_and_an_uncached_one_whenever_asked(tmp_path):
    reader, samples = reader_of(recipe(folder(tmp_path, "ab"))), list_samples(tmp_path).samples
    kept, fresh = Store(reader, samples, cached=True), Store(reader, samples, cached=False)
    save(tmp_path / "images/a.png", picture(77))
    np.testing.assert_array_equal(kept[0][0].permute(1, 2, 0), picture(0))
    np.testing.assert_array_equal(fresh[0][0].permute(1, 2, 0), picture(77))


def test_a_broken_file_shows_when_the_cache_is_filled(tmp_path):
    reader, samples = reader_of(recipe(folder(tmp_path, "ab"))), list_samples(tmp_path).samples
    samples[1].image.write_bytes(samples[1].image.read_bytes()[:50])
    with pytest.raises(DataError, match=r"b\.png: "):
        Store(reader, samples, cached=True)


def test_what_the_recipe_prepares_is_done_as_files_are_read(tmp_path):
    folder(tmp_path, "ab")
    prepared = recipe(tmp_path, prepare=[{"centre_crop": {"height": 2, "width": 4}}])
    reader, samples = reader_of(prepared), list_samples(tmp_path).samples
    image, mask = Store(reader, samples, cached=True)[0]
    np.testing.assert_array_equal(image.permute(1, 2, 0), picture(0)[2:4, 2:6])
    np.testing.assert_array_equal(mask, labels()[2:4, 2:6])
    np.testing.assert_array_equal(reader.read_mask(samples[0]), labels()[2:4, 2:6])


def test_a_store_travels_to_another_process(tmp_path):
    store = Store(reader_of(recipe(folder(tmp_path, "ab"))), list_samples(tmp_path).samples, cached=True)
    there = pickle.loads(pickle.dumps(store))
    torch.testing.assert_close(there[1], store[1])


def test_auto_keeps_what_takes_no_more_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "CACHE_MB", 4)
    # 4 bytes a pixel: 1024 x 1024 pixels are 4 MB
    fitting = [Sample("a", tmp_path, tmp_path, (512, 1024)), Sample("b", tmp_path, tmp_path, (512, 1024))]
    assert fits_in_memory(fitting)
    assert not fits_in_memory([*fitting, Sample("c", tmp_path, tmp_path, (1, 1))])


@pytest.mark.parametrize(
    ("cache", "limit", "kept"), [("auto", 1, True), ("auto", 0, False), (True, 0, True), (False, 1, False)]
)
def test_the_recipe_chooses(tmp_path, monkeypatch, cache, limit, kept):
    monkeypatch.setattr(store_module, "CACHE_MB", limit)
    folder(tmp_path, split=dict.fromkeys("abcdef", "train") | dict.fromkeys("gh", "val"))
    data = open_segmentation(recipe(tmp_path, cache=cache))
    data.raw("train", 0)
    save(tmp_path / "images/a.png", picture(77))
    np.testing.assert_array_equal(data.raw("train", 0)[0], picture(0 if kept else 77))
