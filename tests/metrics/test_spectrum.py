"""The error's spectrum is found at the right fineness, and is a share of the target's."""

import math

import pytest
import torch

from piste.metrics.spectrum import BINS, Spectrum, error_spectrum


def noise(seed, sigma, count=8, height=40, width=37):
    return sigma * torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_white_noise_is_a_fixed_share_of_white_noise_at_every_fineness():
    target = noise(0, 1.0)
    found = error_spectrum(target + noise(1, 0.5), target).wrong()
    shares = list(found.values())
    assert list(found) == pytest.approx([(i + 0.5) / 48 for i in range(24)])
    for share in shares[3:]:  # few waves are as long as the image
        assert share == pytest.approx(0.25, rel=0.25)
    assert sum(shares[3:]) / len(shares[3:]) == pytest.approx(0.25, rel=0.03)


@pytest.mark.parametrize("frequency", [0.1, 0.25, 0.45])
@pytest.mark.parametrize("axis", [2, 3])
def test_a_wave_is_found_at_its_own_fineness(frequency, axis):
    place = torch.arange(64.0).view(1, 1, -1, 1) if axis == 2 else torch.arange(64.0).view(1, 1, 1, -1)
    wave = (2 * math.pi * frequency * place).sin().expand(1, 3, 64, 64)
    error = error_spectrum(wave, torch.zeros_like(wave)).error
    assert int(error.argmax()) == int(frequency * 2 * BINS)
    assert error[int(frequency * 2 * BINS) - 2 : int(frequency * 2 * BINS) + 3].sum() > 0.98 * error.sum()


def test_all_power_is_counted_but_that_of_diagonals():
    image = noise(2, 1.0, count=2, height=16, width=14)
    height, width = image.shape[2:]
    taper = torch.outer(torch.hann_window(height, periodic=False), torch.hann_window(width, periodic=False))
    planes = (image - image.mean((2, 3), keepdim=True)) * taper
    whole = torch.fft.fft2(planes.double(), norm="ortho").abs().square()
    radius = (torch.fft.fftfreq(height)[:, None] ** 2 + torch.fft.fftfreq(width) ** 2).sqrt()
    inside = whole[..., radius < 0.5].sum().item()
    assert error_spectrum(image, torch.zeros_like(image)).error.sum().item() == pytest.approx(inside, rel=1e-4)


def test_what_is_missing_is_wholly_wrong():
    target = noise(3, 1.0)
    shares = error_spectrum(torch.zeros_like(target), target).wrong()
    assert list(shares.values()) == pytest.approx([1.0] * BINS)
    spectra = [error_spectrum(target * 0.9, target), error_spectrum(target * 0.9, target)]
    total = Spectrum(sum(one.error for one in spectra), sum(one.signal for one in spectra))
    assert list(total.wrong().values()) == pytest.approx([0.01] * BINS, rel=1e-3)


def test_bins_that_no_wave_falls_into_are_left_out():
    target = noise(4, 1.0, height=9, width=8)
    found = error_spectrum(target, target).wrong()
    assert 0 < len(found) < BINS
    assert set(found.values()) == {0.0}
