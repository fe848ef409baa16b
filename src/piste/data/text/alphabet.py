"""The characters of lines, and the classes that a model scores for them."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import final

import torch
from torch import Tensor

BLANK = 0
"""The class that stands for no character; the first character of an alphabet is class 1."""


@final
class Alphabet:
    """The characters that a model can write, and others that the truth may hold all the same.

    Args:
        characters: in the order of their classes; each once.
        others: characters that occur where lines are evaluated, but that no model can write. They get ids behind the
            last class, by which a reading is found wrong.

    Example:
        >>> alphabet = Alphabet("ab", others="é")
        >>> alphabet.ids("abé").tolist(), alphabet.target("abé").tolist(), alphabet.text([1, 1, 2, -1])
        ([1, 2, 3], [1, 2], 'aab')
    """

    def __init__(self, characters: Sequence[str], others: Sequence[str] = "") -> None:
        self.characters = "".join(characters)
        self.others = "".join(others)
        self._ids = {char: i for i, char in enumerate(self.characters + self.others, start=BLANK + 1)}

    @property
    def classes(self) -> int:
        """How many scores a model has for each step: one a character, and the blank's."""
        return len(self.characters) + 1

    @property
    def space(self) -> int | None:
        """The id of the space, where any line has one."""
        return self._ids.get(" ")

    def ids(self, text: str) -> Tensor:
        """The ids of a line's characters, int64."""
        return torch.tensor([self._ids[char] for char in text], dtype=torch.int64)

    def target(self, text: str) -> Tensor:
        """The classes of a line's characters, those left out that the model can't write, int64."""
        ids = self.ids(text)
        return ids[ids < self.classes]

    def text(self, ids: Iterable[int]) -> str:
        """What ids say; those below 1 say nothing."""
        known = self.characters + self.others
        return "".join(known[i - 1] for i in ids if i > BLANK)


def readable(text: str) -> str:
    """A line as it is compared: composed characters (NFC), and no blanks at its ends, which no image shows."""
    return unicodedata.normalize("NFC", text).strip()


def is_writable(char: str) -> bool:
    """Whether a character may stand in a text: a composed one, and neither a control character nor a line's end."""
    return unicodedata.category(char) not in ("Cc", "Zl", "Zp") and unicodedata.normalize("NFC", char) == char


def characters_of(lines: Iterable[str]) -> str:
    """Every character that occurs, in the order of Unicode."""
    return "".join(sorted(set().union(*lines)))


def unknown_characters(lines: Iterable[str], characters: str) -> dict[str, int]:
    """How often each character occurs that is not among some, the most frequent first."""
    counts = Counter(char for line in lines for char in line if char not in characters)
    return dict(counts.most_common())


def steps_needed(target: Tensor) -> int:
    """How many steps a line's shortest path has: one a character, and a blank between two that are alike.

    Example:
        >>> steps_needed(torch.tensor([1, 1, 2]))
        4
    """
    return len(target) + int((target[1:] == target[:-1]).sum())
