"""The card in the terminal: what a reader looks for is there, at 80 columns and at 40."""

import io
import re

import pytest
from rich.console import Console

from piste.losses import catalogue
from piste.report.cards import Card
from piste.report.cards.facts import facts, meanings_of
from piste.report.cards.promises import by_theme, kept_by, meaning_of
from piste.report.cards.sketch import compact


def printed(name: str, width: int = 80) -> str:
    page = io.StringIO()
    Console(file=page, width=width, highlight=False).print(Card(catalogue()[name]))
    return page.getvalue()


@pytest.mark.parametrize("name", catalogue())
def test_every_loss_has_a_card_that_fits_80_columns(name: str) -> None:
    card = printed(name)
    words = " ".join(card.split())
    assert all(len(line) <= 80 for line in card.splitlines())
    spec = catalogue()[name]
    assert " ".join(spec.source.split()) in words
    assert " ".join(facts(spec).formula.split()) in words
    assert all(re.search(rf"\b{keyword}( = |=)", words) for keyword in spec.parameters)
    assert all(" ".join(case.why.split()) in words for case in spec.cases)
    assert all(" ".join(reason.split()) in words for reason in spec.waivers.values())


@pytest.mark.parametrize("name", catalogue())
def test_every_keyword_is_explained(name: str) -> None:
    unexplained = [keyword.name for keyword in facts(catalogue()[name]).keywords if not keyword.meaning]
    assert not unexplained


def test_a_narrow_terminal_stacks_the_panels() -> None:
    assert all(len(line) <= 44 for line in printed("tversky", 44).splitlines())


def test_the_meaning_of_a_shared_keyword_comes_from_the_base() -> None:
    meanings = meanings_of(catalogue()["tversky"].cls)
    assert meanings["alpha"].startswith("Price of a false positive")
    assert meanings["smooth"].startswith("Elements added to the overlap")


def test_what_a_class_says_of_a_keyword_goes_before_what_its_base_says() -> None:
    meaning = meanings_of(catalogue()["binary_cross_entropy"].cls)["activation"]
    assert meaning.startswith('"sigmoid" alone')


def test_a_waived_promise_does_not_count_as_kept() -> None:
    spec = catalogue()["box_iou"]
    assert spec.waivers
    assert not set(spec.waivers) & set(kept_by(spec))
    assert all(name.replace("_", " ") in " ".join(printed("box_iou").split()) for name in spec.waivers)


def test_a_card_counts_the_promises_that_concern_the_loss() -> None:
    kept = kept_by(catalogue()["focal"])
    assert "value_is_that_of_the_reference" in kept
    assert f"{len(kept)} promises kept" in printed("focal")
    themes = by_theme(kept)
    assert sum(map(len, themes.values())) == len(kept)
    assert "numbers" in themes
    assert meaning_of("everything_is_finite").startswith("Value and gradient, in float32")


def test_a_number_says_how_large_it_is_in_five_characters() -> None:
    for value in (0.0, 3.14159, -0.04, 12.34, 99.99, 123456.0, 0.00999, -2.5e-9):
        assert len(compact(value)) <= 5
    assert compact(1.0) == "1.00"
