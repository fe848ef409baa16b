"""What the cards claim was measured of the losses that there are, and of no others."""

from piste.losses import catalogue
from piste.report.cards.evidence import book, words_of_error


def test_every_loss_was_measured_and_no_other() -> None:
    measured = set(book().losses)
    assert measured == set(catalogue()), "run `make evidence`, or benchmarks/evidence.py with the names of new losses"


def test_what_was_measured_is_what_the_contract_promises() -> None:
    for name, found in book().losses.items():
        waived = catalogue()[name].waivers
        assert found.is_always_finite or "everything_is_finite" in waived, name
        assert found.compiles or "compiled_equals_eager" in waived, name
        assert found.reference_error is None or found.reference_error < 1e-9, name
        assert found.cost > 0


def test_an_error_is_told_by_its_power() -> None:
    assert words_of_error(2.4e-16) == "2e-16"
