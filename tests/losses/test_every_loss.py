"""The contract: every promise, for every loss in the catalogue that it concerns."""

import pytest

import piste.losses
from piste.losses import catalogue
from piste.losses.contract import PROMISES

from .inductor import why_not

HELD = [
    pytest.param(promise, spec, id=f"{spec.name}-{promise.name}")
    for spec in catalogue().values()
    for promise in PROMISES.values()
    if promise.concerns(spec)
]


@pytest.mark.parametrize(("promise", "spec"), HELD)
def test_every_loss(promise, spec) -> None:
    if promise.name == "kernels_of_inductor_equal_eager" and why_not():
        pytest.skip(why_not())
    promise.keep(spec)


@pytest.mark.parametrize("spec", catalogue().values(), ids=lambda spec: spec.name)
def test_waivers_are_of_promises_that_concern_the_loss_and_give_a_reason(spec) -> None:
    for name, reason in spec.waivers.items():
        assert name in PROMISES
        assert PROMISES[name].concerns(spec)
        assert len(reason.split()) > 3


def test_every_loss_is_listed_for_editors_and_type_checkers() -> None:
    for spec in catalogue().values():
        assert spec.cls.__name__ in piste.losses.__all__
        assert getattr(piste.losses, spec.cls.__name__) is spec.cls
