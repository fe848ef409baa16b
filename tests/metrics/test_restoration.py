"""Image quality agrees with torchmetrics, and what was given is the measure of what was gained."""

import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from piste.losses.features.lpips import CHANNELS, LPIPS
from piste.losses.features.stand_ins import Seeded
from piste.metrics import restoration
from piste.metrics.names import METRICS
from piste.metrics.restoration import RestorationScores, image_quality, lpips_if_there, metric_names, psnr


def images(seed=0, count=5, side=33):
    return torch.rand(count, 3, side, side + 4, generator=torch.Generator().manual_seed(seed))


def near(target, sigma, seed=9):
    return target + sigma * torch.randn(target.shape, generator=torch.Generator().manual_seed(seed))


def test_psnr_and_ssim_are_those_of_torchmetrics():
    target = images()
    restored = near(target, 0.2)
    found, clipped = image_quality(restored, target), restored.clamp(0, 1)
    for i in range(len(target)):
        one, wanted = clipped[i : i + 1], target[i : i + 1]
        witness = peak_signal_noise_ratio(one, wanted, data_range=1.0)
        assert found["psnr"][i].item() == pytest.approx(witness.item(), abs=1e-4)
        witness = structural_similarity_index_measure(
            one.double(), wanted.double(), data_range=1.0, gaussian_kernel=True
        )
        inner = _ssim_inside(one.double(), wanted.double())
        assert found["ssim"][i].item() == pytest.approx(inner, abs=1e-5)
        assert found["ssim"][i].item() == pytest.approx(witness.item(), abs=0.02)  # torchmetrics pads the border
        assert found["mae"][i].item() == pytest.approx((one - wanted).abs().mean().item(), abs=1e-6)


def _ssim_inside(one, two):
    """What torchmetrics finds, without the windows that reach beyond the border."""
    _, whole = structural_similarity_index_measure(one, two, data_range=1.0, return_full_image=True)
    return whole[..., 5:-5, 5:-5].mean().item()


def test_psnr_is_a_logarithm_of_the_squared_error():
    target = torch.full((1, 3, 4, 4), 0.5)
    assert psnr(target + 0.1, target).item() == pytest.approx(20.0, abs=1e-4)
    assert psnr(target + 0.01, target).item() == pytest.approx(40.0, abs=1e-3)
    assert psnr(target, target).item() == 100.0  # infinite, and counted as this


def test_the_mean_is_one_over_images_and_not_over_pixels():
    target = images(count=2)
    restored = torch.stack([target[0] + 0.5, target[1]])
    scores = RestorationScores()
    scores.update(restored, target, target)
    alone = psnr(restored.clamp(0, 1), target)
    assert scores.compute()["psnr"] == pytest.approx(alone.mean().item(), rel=1e-6)


def test_batches_of_any_size_score_the_same():
    target = images()
    restored, given = near(target, 0.05), near(target, 0.1, seed=4)
    whole, parts = RestorationScores(), RestorationScores()
    whole.update(restored, given, target)
    for cut in (slice(0, 1), slice(1, 5)):
        parts.update(restored[cut], given[cut], target[cut])
    assert parts.compute() == pytest.approx(whole.compute(), rel=1e-5)


def test_gain_is_over_the_input_and_its_sign_tells_who_is_better():
    target = images()
    good, bad = near(target, 0.02), near(target, 0.2)
    scores = RestorationScores()
    each = scores.update(torch.cat([good[:3], bad[3:]]), torch.cat([bad[:3], good[3:]]), target)
    assert [value > 0 for value in each["gain"].tolist()] == [True] * 3 + [False] * 2
    found = scores.compute()
    assert found["improved"] == pytest.approx(0.6)
    assert found["gain"] == pytest.approx(found["psnr"] - found["input_psnr"], abs=1e-5)
    same = RestorationScores()
    same.update(bad, bad, target)
    assert same.compute()["gain"] == 0.0
    assert same.compute()["improved"] == 0.0
    for name in ("psnr", "ssim", "mae"):
        assert same.compute()[name] == same.compute()[f"input_{name}"]


def test_values_beyond_black_and_white_are_clipped_as_a_file_would():
    target = torch.zeros(1, 3, 12, 12)
    assert image_quality(target - 3, target)["mae"].item() == 0.0


def test_images_too_small_for_a_window_have_no_ssim():
    found = image_quality(images(side=6), images(side=6))
    assert found["ssim"].isnan().all()
    assert not found["psnr"].isnan().any()


def test_lpips_is_there_where_its_network_is(monkeypatch):
    lpips = LPIPS(network=Seeded(CHANNELS["alex"], stride=3), reduction="none")
    target = images()
    scores = RestorationScores(lpips)
    scores.update(target, near(target, 0.1), target)
    found = scores.compute()
    assert list(found) == metric_names(True)
    assert found["lpips"] == 0.0 < found["input_lpips"]
    assert image_quality(images(side=20), images(side=20), lpips)["lpips"].isnan().all()

    def absent(**_):
        raise ValueError("no weights")

    lpips_if_there.cache_clear()
    monkeypatch.setattr(restoration, "LPIPS", absent)
    assert lpips_if_there() is None
    lpips_if_there.cache_clear()
    without = RestorationScores(None)
    without.update(target, target, target)
    assert list(without.compute()) == metric_names(False)


def test_every_metric_is_filed():
    assert set(metric_names(True)) <= set(METRICS)
    assert METRICS["input_mae"].smaller_is_better
    assert not METRICS["gain"].share
