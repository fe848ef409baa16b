"""Edit distances against torchmetrics', words against Python's `split`, alignments against the distance."""

from difflib import SequenceMatcher

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_sequence
from torchmetrics.functional.text.helper import _edit_distance

from piste.metrics.edits import PAD, Pair, align, edit_distances, words_of

LINES = st.lists(st.tuples(st.text("ab ", max_size=7), st.text("ab ", max_size=7)), min_size=1, max_size=5)


def ids(lines):
    return pad_sequence([torch.tensor([ord(c) for c in line]) for line in lines], True, PAD).long()


@given(LINES)
def test_the_distance_is_the_libraries(lines):
    read, truth = zip(*lines, strict=True)
    expected = [_edit_distance(list(r), list(t)) for r, t in lines]
    assert edit_distances(ids(read), ids(truth)).tolist() == expected


@pytest.mark.parametrize(
    ("read", "truth", "distance"),
    [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2), ("xaab", "aab", 1)],
)
def test_known_distances(read, truth, distance):
    assert edit_distances(ids([read]), ids([truth])).tolist() == [distance]
    assert sum(pair.read != pair.truth for pair in align(read, truth)) == distance


@given(LINES)
def test_equal_words_and_no_others_get_equal_numbers(lines):
    flat = [text for pair in lines for text in pair]
    numbers = words_of(ids(flat), ord(" "))
    known = {}
    for text, row in zip(flat, numbers.tolist(), strict=True):
        found = [number for number in row if number != PAD]
        assert row[: len(found)] == found  # nothing stands behind the filling
        assert len(found) == len(text.split())
        for word, number in zip(text.split(), found, strict=True):
            assert known.setdefault(word, number) == number
    assert len(set(known.values())) == len(known)


def test_the_order_and_the_number_of_characters_make_the_word():
    words = ["ab", "ba", "aab", "abb", "a", "b", "aa", "bb", "abab", "baba"]
    assert len(set(words_of(ids([" ".join(words)]), ord(" ")).tolist()[0]) - {PAD}) == len(words)


def test_without_a_space_a_line_is_one_word():
    assert (words_of(ids(["ab b", ""]), None) != PAD).sum(1).tolist() == [1, 0]


@given(st.text("abc", max_size=9), st.text("abc", max_size=9))
def test_an_alignment_holds_both_texts_and_costs_their_distance(read, truth):
    pairs = align(read, truth)
    assert "".join(pair.read or "" for pair in pairs) == read
    assert "".join(pair.truth or "" for pair in pairs) == truth
    assert Pair(None, None) not in pairs
    assert sum(pair.read != pair.truth for pair in pairs) == _edit_distance(list(read), list(truth))


def test_an_alignment_keeps_what_agrees():
    read, truth = "the qick brown fox", "the quick brow fox"
    hits = sum(pair.read == pair.truth for pair in align(read, truth))
    assert hits == sum(block.size for block in SequenceMatcher(None, read, truth).get_matching_blocks()) == 17
