"""Images of every kind come out as upright 8-bit RGB, or are refused in one line that names the file and the cure."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from piste.data.images import read_image, read_size
from piste.data.problems import DataError
from tests.data.files import deep_tiff, picture, png, save

RGB = picture(height=5, width=7)


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff"])
def test_rgb_comes_out_as_it_went_in(tmp_path, suffix):
    path = save(tmp_path / f"a.{suffix}", RGB)
    assert read_size(path) == (5, 7)
    np.testing.assert_array_equal(read_image(path), RGB)


def test_a_compressed_tiff_is_read(tmp_path):
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.tif", RGB, compression="tiff_lzw")), RGB)


def test_a_jpeg_of_one_colour_comes_out_within_a_step(tmp_path):
    flat = np.full((16, 16, 3), (200, 90, 30), np.uint8)
    read = read_image(save(tmp_path / "a.jpg", flat, quality=95))
    assert np.abs(read.astype(int) - flat).max() <= 2


def test_grey_is_repeated(tmp_path):
    read = read_image(save(tmp_path / "a.png", RGB[:, :, 0]))
    assert read.shape == (5, 7, 3)
    for channel in range(3):
        np.testing.assert_array_equal(read[:, :, channel], RGB[:, :, 0])


def test_one_bit_is_black_and_white(tmp_path):
    read = read_image(save(tmp_path / "a.png", np.eye(4, dtype=bool)))
    np.testing.assert_array_equal(read[:, :, 1], 255 * np.eye(4))


def test_alpha_is_dropped_and_the_colour_below_it_kept(tmp_path):
    rgba = np.dstack([RGB, np.zeros((5, 7), np.uint8)])
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", rgba)), RGB)
    grey = save(tmp_path / "b.png", RGB[:, :, 0], mode="LA")
    np.testing.assert_array_equal(read_image(grey)[:, :, 2], RGB[:, :, 0])


def test_a_palette_is_looked_up(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / "a.png", transparency=bytes([0, 255]))
    read = read_image(tmp_path / "a.png")
    assert read[0, 0].tolist() == [10, 20, 30]
    assert read[0, 1].tolist() == [40, 50, 60]


def test_cmyk_is_converted(tmp_path):
    Image.new("CMYK", (8, 8), (0, 0, 0, 0)).save(tmp_path / "white.jpg")
    Image.new("CMYK", (8, 8), (0, 0, 0, 255)).save(tmp_path / "black.jpg")
    assert read_image(tmp_path / "white.jpg").min() > 250
    assert read_image(tmp_path / "black.jpg").max() < 5


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_go_through_the_window(tmp_path, suffix):
    deep = np.array([[0, 1000, 2000], [3000, 4000, 65535]], np.uint16)
    path = save(tmp_path / f"a.{suffix}", deep)
    assert read_size(path) == (2, 3)
    # (value - 1000) / 2000 * 255, clipped: 0, 0, 127.5 -> 128 (to even), 255, 255, 255
    read = read_image(path, window=(1000, 3000))
    assert read[:, :, 0].tolist() == [[0, 0, 128], [255, 255, 255]]
    assert (read[:, :, :1] == read).all()


def test_real_numbers_go_through_the_window_and_what_is_no_number_is_black(tmp_path):
    path = save(tmp_path / "a.tif", np.array([[-1.0, np.nan, 1.0]], np.float32))
    assert read_image(path, window=(-1, 1))[0, :, 0].tolist() == [0, 0, 255]


def test_sixteen_bits_without_a_window_are_refused(tmp_path):
    path = save(tmp_path / "a.png", np.zeros((2, 2), np.uint16))
    with pytest.raises(DataError, match=r"a\.png: has more than 8 bits .* data\.window"):
        read_image(path)


def test_colour_of_sixteen_bits_is_refused_where_pillow_would_drop_half(tmp_path):
    tall = png(tmp_path / "a.png", [bytes(4 * 6)] * 3, width=4, depth=16, colour=2)
    for path in (tall, deep_tiff(tmp_path / "b.tif")):
        with Image.open(path) as opened:
            assert opened.mode == "RGB"
        with pytest.raises(DataError, match="16 bits a channel; save it with 8"):
            read_size(path)


def test_lab_is_refused(tmp_path):
    Image.new("LAB", (3, 3)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match="colours of kind LAB; save it as RGB"):
        read_image(tmp_path / "a.tif")


def test_pages_are_refused(tmp_path):
    pages = [Image.fromarray(RGB), Image.fromarray(RGB)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(DataError, match="holds 2 pages"):
        read_size(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_a_photograph_taken_sideways_is_turned(tmp_path, suffix):
    scene = np.zeros((16, 32, 3), np.uint8)
    scene[:, :16] = 255  # the left half, as stored
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera asks for a quarter turn clockwise
    Image.fromarray(scene).save(tmp_path / f"a.{suffix}", exif=exif)
    read = read_image(tmp_path / f"a.{suffix}")
    assert read_size(tmp_path / f"a.{suffix}") == read.shape[:2] == (32, 16)
    assert read[:16].min() > 250  # clockwise, the left half ends on top
    assert read[16:].max() < 5


def test_the_content_decides_about_the_format_not_the_name(tmp_path):
    save(tmp_path / "a.png", RGB).rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), RGB)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"GIF89a" + bytes(100), "is no PNG, JPEG or TIFF image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "restore or convert it"),
    ],
)
def test_what_is_no_image_is_refused_with_the_cure(tmp_path, content, message):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_size(tmp_path / "a.png")
    assert str(caught.value).startswith(f"{tmp_path / 'a.png'}: ")


def test_formats_that_are_not_promised_are_not_read_by_chance(tmp_path):
    save(tmp_path / "a.gif", RGB[:, :, 0]).rename(tmp_path / "a.png")
    with pytest.raises(DataError, match="is no PNG, JPEG or TIFF image"):
        read_image(tmp_path / "a.png")


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a\.png: no such file"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_file_cut_short_is_broken(tmp_path, suffix):
    path = save(tmp_path / f"a.{suffix}", picture(height=64, width=64))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(("restore the file or remove it", "restore or convert it"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(["png", "jpg", "tif"]), st.integers(0, 10**6), st.binary(min_size=1, max_size=40))
def test_damage_anywhere_gives_pixels_or_one_line(tmp_path, suffix, place, damage):
    path = save(tmp_path / f"a.{suffix}", RGB)
    content = bytearray(path.read_bytes())
    start = place % len(content)
    content[start : start + len(damage)] = damage
    path.write_bytes(content)
    message = ""
    try:
        assert read_image(path).dtype == np.uint8
    except DataError as error:
        message = str(error)
    assert "\n" not in message


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(DataError, match="more than 20 pixels; cut it into tiles"):
        read_size(save(tmp_path / "a.png", RGB))
