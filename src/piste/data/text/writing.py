"""What the built-in lines say: real words, numbers and punctuation, drawn by seed."""

from random import Random
from typing import final

from piste.data.text.words import WORDS

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@final
class Writer:
    """Writes lines that all differ.

    Args:
        seed: what all of them follow from.
        words: the fewest and the most words of a line; a number, or a word in brackets, counts as one.

    Example:
        >>> writer = Writer(seed=0, words=(3, 3))
        >>> len(writer.line().split()), writer.line() != writer.line()
        (3, True)
    """

    def __init__(self, seed: int, words: tuple[int, int]) -> None:
        self.words = words
        self._draw = Random(f"writer/{seed}")
        self._written: set[str] = set()

    def line(self) -> str:
        """The next line; one that was written before is left out."""
        while True:
            line = self._compose()
            if line not in self._written:
                self._written.add(line)
                return line

    def _compose(self) -> str:
        draw = self._draw
        parts = [self._number() if draw.random() < 0.2 else self._word() for _ in range(draw.randint(*self.words))]
        for place in range(len(parts) - 1):
            if draw.random() < 0.12:
                parts[place] += draw.choice(",,,;:")
        line = " ".join(parts)
        if draw.random() < 0.5:
            line = line[0].upper() + line[1:] + draw.choice("...!?")
        return line

    def _word(self) -> str:
        draw = self._draw
        word, kind = draw.choice(WORDS), draw.random()
        if kind < 0.7:
            return word
        if kind < 0.8:
            return word.capitalize()
        if kind < 0.86:
            return word.upper()
        if kind < 0.9:
            return f"{word}-{draw.choice(WORDS)}"
        if kind < 0.93:
            return f"{word}'s"
        return draw.choice(("({})", '"{}"')).format(word)

    def _number(self) -> str:
        draw = self._draw
        forms = (
            f"{draw.randint(2, 999)}",
            f"{draw.randint(1700, 2029)}",
            f"{draw.randint(1, 99)}.{draw.randint(0, 99):02}",
            f"${draw.randint(1, 99)}.{draw.randint(0, 99):02}",
            f"{draw.randint(1, 100)}%",
            f"{draw.randint(0, 23)}:{draw.randint(0, 59):02}",
            f"{draw.randint(1, 28)} {draw.choice(MONTHS)}",
            f"No. {draw.randint(1, 99)}",
            f"{draw.randint(1, 9)},{draw.randint(0, 999):03}",
            f"{draw.randint(1, 9)}/{draw.randint(1, 9)}",
            f"{draw.choice('ABCDEFGHJKLMNPQRSTUVWXYZ')}{draw.randint(1, 99)}",
            f"& {draw.randint(2, 99)}",
        )
        return draw.choice(forms)
