"""Greedy and beam decoding against every path of small lines."""

from itertools import groupby, product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piste.losses import CTC
from piste.metrics.decoding import beam_search, greedy
from piste.metrics.edits import PAD


def reads(path, blank):
    return tuple(c for c, _ in groupby(path) if c != blank)


def texts_by_every_path(logits, blank):
    """ln p of each text, by adding up each and every path."""
    log_probs = logits.double().log_softmax(-1)
    found = {}
    for path in product(range(logits.shape[1]), repeat=len(logits)):
        cost = log_probs[torch.arange(len(logits)), torch.tensor(path, dtype=torch.int64)].sum()
        found.setdefault(reads(path, blank), []).append(cost)
    return {text: torch.stack(costs).logsumexp(0).item() for text, costs in found.items()}


def texts(rows):
    return [tuple(c for c in row if c != PAD) for row in rows.tolist()]


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(2, 4), st.booleans())
def test_a_wide_beam_finds_the_most_probable_text_of_all(seed, steps, classes, last):
    blank = classes - 1 if last else 0
    logits = 2 * torch.randn(2, steps, classes, generator=torch.Generator().manual_seed(seed))
    lengths = torch.tensor([steps, max(1, steps - 2)])
    read, log_probs = beam_search(logits, lengths, width=classes**steps, blank=blank)
    for line, length, text, log_prob in zip(logits, lengths, texts(read), log_probs.tolist(), strict=True):
        expected = texts_by_every_path(line[:length], blank)
        assert log_prob == pytest.approx(max(expected.values()), abs=1e-5)
        assert expected[text] == pytest.approx(log_prob, abs=1e-5)


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_no_text_is_counted_for_more_than_it_is_worth(seed, width):
    logits = torch.randn(1, 5, 3, generator=torch.Generator().manual_seed(seed))
    read, log_probs = beam_search(logits, torch.tensor([5]), width=width)
    for line, text, log_prob in zip(logits, texts(read), log_probs.tolist(), strict=True):
        assert log_prob <= texts_by_every_path(line, 0)[text] + 1e-5


def test_the_probability_of_a_text_is_that_of_the_loss():
    logits = torch.randn(1, 5, 4, generator=torch.Generator().manual_seed(3))
    read, log_prob = beam_search(logits, torch.tensor([5]), width=300)
    [text] = texts(read)
    cost = CTC()(logits, torch.tensor([text]), torch.tensor([5]), torch.tensor([len(text)]))
    torch.testing.assert_close(-cost, log_prob[0])


def test_greedy_takes_the_best_path_and_a_beam_the_best_text():
    # of two steps with p(blank) = 0.6 and p(a) = 0.4: "--" has 0.36, but a-, -a and aa have 0.64 together
    logits = torch.tensor([[[0.6, 0.4], [0.6, 0.4]]]).log()
    lengths = torch.tensor([2])
    assert texts(greedy(logits, lengths)) == [()]
    read, log_prob = beam_search(logits, lengths, width=2)
    assert texts(read) == [(1,)]
    assert log_prob.exp().item() == pytest.approx(0.64)


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=4), st.integers(0, 3))
def test_greedy_reads_every_line_as_far_as_it_goes(paths, blank):
    lengths = torch.arange(len(paths)) + 3
    logits = torch.nn.functional.one_hot(torch.tensor(paths), 4).float()
    expected = [reads(path[:length], blank) for path, length in zip(paths, lengths.tolist(), strict=True)]
    read = greedy(logits, lengths, blank=blank)
    assert texts(read) == expected
    assert read.shape == (len(paths), 6)
    assert all(PAD not in row[: len(text)] for row, text in zip(read.tolist(), expected, strict=True))


def test_a_line_is_read_alike_alone_and_among_longer_ones():
    logits = torch.randn(2, 30, 9, generator=torch.Generator().manual_seed(0))
    together = beam_search(logits, torch.tensor([30, 17]), width=4)[0]
    alone = beam_search(logits[1:, :17], torch.tensor([17]), width=4)[0]
    assert texts(together)[1] == texts(alone)[0]


def test_a_sure_model_is_read_alike_by_both():
    path = torch.tensor([[1, 1, 0, 1, 2, 0, 0, 3, 3, 0]])
    logits = 20 * torch.nn.functional.one_hot(path, 5).float()
    assert texts(greedy(logits, torch.tensor([10]))) == texts(beam_search(logits, torch.tensor([10]), width=3)[0])
    assert texts(greedy(logits, torch.tensor([10]))) == [(1, 1, 2, 3)]
