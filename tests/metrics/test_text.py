"""Error rates of lines against torchmetrics'."""

import math
import random

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence
from torchmetrics.functional.text import char_error_rate, word_error_rate

from piste.metrics.edits import PAD
from piste.metrics.text import TextScores


def ids(lines):
    return pad_sequence([torch.tensor([ord(c) for c in line]) for line in lines], True, PAD).long()


def test_the_rates_are_the_libraries_over_several_batches():
    draw = random.Random(1)
    truth = ["".join(draw.choices("abcd  ", k=draw.randint(1, 12))).strip() or "a" for _ in range(30)]
    read = ["".join(c for c in line if draw.random() < 0.8) + draw.choice(["", "", "x", " y"]) for line in truth]
    read[4] = truth[4]
    scores = TextScores(space=ord(" "))
    for start in range(0, 30, 7):
        scores.update(ids(read[start : start + 7]), ids(truth[start : start + 7]))
    found = scores.compute()
    assert found["cer"] == pytest.approx(char_error_rate(read, truth).item())
    assert found["wer"] == pytest.approx(word_error_rate(read, truth).item())
    assert found["exact"] == sum(r == t for r, t in zip(read, truth, strict=True)) / 30
    assert 0 < found["exact"] < 1


def test_by_hand():
    scores = TextScores(space=ord(" "))
    scores.update(ids(["to be or not", "", "aaaaaaaa"]), ids(["to bee or no", "that is", "a"]))
    # to bee or no: 2 edits of 12; that is: 7 of 7; a: 7 of 1. Words: 2 of 4, 2 of 2, 1 of 1
    assert scores.compute() == {"cer": 16 / 20, "wer": 5 / 7, "exact": 0.0}


def test_what_was_read_too_much_may_bring_a_rate_above_one():
    scores = TextScores(space=None)
    scores.update(ids(["aaa"]), ids(["b"]))
    assert scores.compute() == {"cer": 3.0, "wer": 1.0, "exact": 0.0}


def test_without_lines_nothing_is_known():
    scores = TextScores(space=None)
    scores.update(ids(["a"])[:0], ids(["b"])[:0])
    assert all(math.isnan(value) for value in scores.compute().values())
