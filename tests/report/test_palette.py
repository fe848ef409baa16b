"""Colours that stay apart for everyone, on light and on dark."""

from itertools import combinations

import numpy as np
import pytest

from piste.report.palette import FALSE_ALARM, HIT, MISS, NEUTRALS, PHASES, RUNS, css_variables, run_colour, themed

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
SEEN_BY = {
    "everyone": np.eye(3),
    "protanopes": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopes": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopes": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour) -> np.ndarray:
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)] if isinstance(colour, str) else colour
    share = np.array(rgb) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    f = np.array([t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz / [0.9505, 1.0, 1.089]])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one, other, eyes: np.ndarray) -> float:
    seen = [lab(np.clip(eyes @ linear(colour), 0, 1)) for colour in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    lights = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("eyes", SEEN_BY)
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_runs_stay_apart_and_so_do_phases(eyes, scheme):
    for family in (RUNS, PHASES):
        colours = [forms[scheme] for forms in family.values()]
        assert min(distance(a, b, SEEN_BY[eyes]) for a, b in combinations(colours, 2)) > 15, family


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_hit_miss_and_false_alarm_stay_far_apart(eyes):
    assert min(distance(a, b, SEEN_BY[eyes]) for a, b in combinations((HIT, MISS, FALSE_ALARM), 2)) > 30


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_lines_stand_out_from_the_paper(scheme):
    paper = NEUTRALS["paper"][scheme]
    assert contrast(NEUTRALS["ink"][scheme], paper) > 12
    assert contrast(NEUTRALS["muted"][scheme], paper) > 4.5
    assert min(contrast(forms[scheme], paper) for forms in RUNS.values()) > 3


def test_light_colours_are_unique_so_that_each_finds_its_variable():
    light = [forms[0] for forms in (NEUTRALS | RUNS | PHASES).values()]
    assert len(set(light)) == len(light)


def test_a_drawing_follows_the_scheme():
    assert themed(f'<path style="stroke: {run_colour(0)}"/>') == '<path style="stroke: var(--run-1)"/>'
    assert f"--run-1: {run_colour(0)};" in css_variables(dark=False)
    assert f"--run-1: {run_colour(0)};" not in css_variables(dark=True)
