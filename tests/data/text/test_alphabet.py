"""Characters and their classes."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from piste.data.text.alphabet import (
    BLANK,
    Alphabet,
    characters_of,
    is_writable,
    readable,
    steps_needed,
    unknown_characters,
)
from piste.losses import CTC
from piste.metrics.decoding import greedy

LETTERS = "ab cé"


@given(st.text(LETTERS + "XY", max_size=12))
def test_ids_say_what_they_were_made_of(text):
    alphabet = Alphabet(LETTERS, others="XY")
    assert alphabet.text(alphabet.ids(text).tolist()) == text
    assert alphabet.text(alphabet.target(text).tolist()) == text.replace("X", "").replace("Y", "")
    assert all(BLANK < char < alphabet.classes for char in alphabet.target(text).tolist())


def test_the_blank_is_the_losses_and_no_characters():
    assert CTC().blank == BLANK
    assert Alphabet("ab").ids("ab").tolist() == [1, 2]
    assert Alphabet("ab").classes == 3
    assert Alphabet("ab").text([0, 1, -1]) == "a"


def test_the_space_is_known_wherever_it_occurs():
    assert Alphabet("a b").space == 2
    assert Alphabet("ab", others=" ").space == 3
    assert Alphabet("ab").space is None


def test_an_accent_is_composed_and_blanks_at_the_ends_are_none():
    assert readable(" cafe\u0301 au lait\t") == "caf\u00e9 au lait"


def test_what_ends_a_line_or_is_not_composed_is_not_written():
    assert all(map(is_writable, "aé\u00a0日\u0301 "))
    assert not any(map(is_writable, "\n\t\u2028\u212b"))


def test_characters_are_gathered_and_counted():
    assert characters_of(["cab", "add", ""]) == "abcd"
    assert unknown_characters(["cab", "add"], "ac") == {"d": 2, "b": 1}


@given(st.lists(st.integers(1, 2), max_size=5))
def test_as_many_steps_as_needed_are_enough_and_one_fewer_is_not(classes):
    target = torch.tensor(classes, dtype=torch.int64)
    needed = steps_needed(target)

    def cost(steps):
        lengths = torch.tensor([steps]), torch.tensor([len(target)])
        return CTC()(torch.zeros(1, max(steps, 1), 3), target[None], *lengths)

    assert cost(needed).isfinite()
    assert not needed or cost(needed - 1).isinf()


def test_the_shortest_path_of_a_line_reads_it():
    path = torch.tensor([[1, 0, 1, 2]])
    read = greedy(torch.nn.functional.one_hot(path, 3).float(), torch.tensor([4]))
    assert [char for char in read[0].tolist() if char > 0] == [1, 1, 2]
    assert steps_needed(torch.tensor([1, 1, 2])) == 4
