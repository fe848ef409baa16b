"""Each promise of the contract is kept by an honest loss and broken, in words, by one planted to break it."""

from dataclasses import replace

import pytest

from piste.losses.contract import PROMISES
from piste.losses.spec import Waiver

from ..inductor import why_not
from .planted import PLANTED, SURPRISE

BROKEN = [
    pytest.param(name, spec, words, id=f"{name}-{number}")
    for name, plants in PLANTED.items()
    for number, (spec, words) in enumerate(plants)
]


@pytest.mark.parametrize("name", PROMISES)
def test_an_honest_loss_keeps_it(name: str) -> None:
    if name == "kernels_of_inductor_equal_eager" and why_not():
        pytest.skip(why_not())
    PROMISES[name].keep(SURPRISE)


@pytest.mark.parametrize(("name", "spec", "words"), BROKEN)
def test_a_planted_loss_breaks_it_in_words(name: str, spec, words: str) -> None:
    with pytest.raises(AssertionError) as broken:
        PROMISES[name].keep(spec)
    assert f"breaks {name}: " in str(broken.value)
    assert words in str(broken.value)


def test_every_promise_has_a_loss_that_breaks_it() -> None:
    assert PLANTED.keys() == PROMISES.keys()


def test_a_broken_promise_may_be_waived() -> None:
    spec, _ = PLANTED["worked_cases_come_out"][0]
    PROMISES["worked_cases_come_out"].keep(replace(spec, waivers={"worked_cases_come_out": "the case is wrong"}))


def test_a_waiver_of_a_promise_that_is_kept_is_an_error() -> None:
    spec = replace(SURPRISE, waivers={"worked_cases_come_out": "out of fear"})
    with pytest.raises(AssertionError, match="surprise waives worked_cases_come_out, which it keeps"):
        PROMISES["worked_cases_come_out"].keep(spec)


def test_a_waiver_of_some_settings_does_not_cover_the_others() -> None:
    spec = replace(SURPRISE, value_range=(0.0, 1.0))
    holds = "value_lies_in_its_declared_range"
    PROMISES[holds].keep(replace(spec, waivers={holds: Waiver("it has no ceiling", only="outside [0, 1]")}))
    with pytest.raises(AssertionError, match="outside"):
        PROMISES[holds].keep(replace(spec, waivers={holds: Waiver("none has weights", only="weight=[")}))
