"""The source of our own code as scripts show it: what is left out, and what stands in its place."""

from functools import cache

from piste.data.script.source import source_of

MANY = 7


@cache
def how_many(given: int | None = None, scale: float = 1.0) -> int:
    """So many.

    Args:
        given: how many; None for many.
    """
    if given is None:
        given = MANY
    count: int = given if scale is None else round(scale * given)
    return count


def untold(given: int) -> int:
    if given > 1:
        return 2  # à deux
    return given


class Counter:
    """Counts."""

    def count(self) -> int:
        """One."""
        return 1

    def count_twice(self) -> int:
        """Two."""
        return self.count() + self.count()


def test_descriptions_are_a_line_and_constants_are_numbers() -> None:
    assert source_of(how_many, decided={"given is None": True}).splitlines() == [
        "def how_many(given: int | None = None, scale: float = 1.0) -> int:",
        '    """So many."""',
        "    given = 7",
        "    return given if scale is None else round(scale * given)",
    ]


def test_what_is_decided_is_not_asked_and_what_is_set_stands_in_its_place() -> None:
    code = source_of(how_many, decided={"given is None": False, "scale is None": False}, settings={"scale": "0.5"})
    assert code.splitlines()[2:] == ["    return round(0.5 * given)"]


def test_code_that_says_nothing_of_itself_can_be_told_of() -> None:
    assert source_of(untold, told="Up to two.", decided={"given > 1": True}).splitlines() == [
        "def untold(given: int) -> int:",
        '    """Up to two."""',
        "    return 2  # à deux",
        "    return given",
    ]


def test_methods_are_left_out_with_the_empty_line_before_them() -> None:
    code = source_of(Counter, without=["count_twice"])
    assert code.splitlines() == [
        *("class Counter:", '    """Counts."""', "", "    def count(self) -> int:"),
        *('        """One."""', "        return 1"),
    ]
