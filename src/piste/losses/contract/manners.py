"""Promises about manners: what a loss refuses, stores, prints, and leaves alone."""

import copy
import io
import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from piste.losses.base import Loss
from piste.losses.contract import probes
from piste.losses.contract.forms import bound, value
from piste.losses.contract.probes import require
from piste.losses.contract.promise import Setting, promise, settings
from piste.losses.spec import COMMON, Between, catalogue


def _worth_compiling(setting: Setting) -> bool:
    """Leave out what a base's keywords do one by one where they are also tried together, and that on variants."""
    common = setting.keywords.keys() & COMMON - {"activation"}
    own = setting.keywords.keys() - COMMON
    return not common or (not own and (len(common) > 1 or "ignore_index" in common or not setting.has("per_image")))


@promise(applies=_worth_compiling)
def compiled_equals_eager(setting: Setting) -> None:
    """`torch.compile(fullgraph=True)` traces it whole, forward and backward, and gives the same numbers.

    The backend is aot_eager, which traces and differentiates as every backend does and leaves out only the writing of
    kernels: that takes Inductor ten times as long and is tried once a loss.
    """
    loss = setting.build()
    for kind in setting.kinds if setting.is_default else setting.kinds[:1]:
        *_, drawn = setting.example(kind).to(torch.float32).calls()
        probes.compiles(bound(loss, drawn), drawn.prediction)


@promise(
    applies=lambda setting: setting.is_default and setting.activation == next(iter(setting.spec.activations), None)
)
def kernels_of_inductor_equal_eager(setting: Setting) -> None:
    """The kernels that `torch.compile` writes by default give the same numbers."""
    *_, drawn = setting.example(setting.kinds[0]).to(torch.float32).calls()
    probes.compiles(bound(setting.build(), drawn), drawn.prediction, backend="inductor")


@promise(applies=lambda setting: setting.is_default)
def a_keyword_that_moves_is_not_compiled_anew(setting: Setting) -> None:
    """A keyword under a ramp has a new value each epoch: Dynamo gives up after eight, an error with fullgraph=True."""
    *_, drawn = setting.example(setting.kinds[0], "small").to(torch.float32).calls()
    for name, space in setting.spec.search.items():
        if not isinstance(space, Between) or isinstance(space.low, int):
            continue
        loss = replace(setting, keywords=_neighbours(setting, name)).build()
        torch.compiler.reset()
        compiled = torch.compile(
            lambda prediction, loss=loss: bound(loss, drawn)(prediction), fullgraph=True, backend="aot_eager"
        )
        try:
            for step in range(10):
                setattr(loss, name, space.low + (space.high - space.low) * (0.3 + 0.01 * step))
                got, expected = compiled(drawn.prediction), value(loss, drawn)
                probes.agree(
                    f"the compiled value at {name}={getattr(loss, name):g}",
                    got,
                    expected,
                    rtol=1e-4,
                    atol=1e-6,
                    source="eager",
                )
        except Exception as error:
            if not type(error).__module__.startswith("torch"):
                raise
            raise AssertionError(f"moving `{name}` compiles it anew: {str(error).strip().splitlines()[0]}") from error
        finally:
            torch.compiler.reset()


def _neighbours(setting: Setting, keyword: str) -> dict[str, Any]:
    """The setting, or the first one of the loss in which a keyword of no effect by default has one."""
    chosen = (other for other in settings(setting.spec) if other.get(keyword) is not None)
    return dict(setting.keywords if setting.get(keyword) is not None else next(chosen, setting).keywords)


class _Listening(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the operations whose result or shape the host must wait for."""

    WAITING = ("aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::_unique2")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.heard: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, _, _ = func.name().partition(".")
        indices = args[1] if name in ("aten::index", "aten::index_put", "aten::index_put_") else ()
        if name in self.WAITING or any(index is not None and index.dtype == torch.bool for index in indices):
            self.heard.append(name)
        return func(*args, **(kwargs or {}))


@promise()
def nothing_waits_for_the_device(setting: Setting) -> None:
    """No `.item()`, no boolean indexing, forward or backward: a GPU's queue never runs dry for the loss."""
    loss = setting.build()
    for kind in setting.kinds:
        for drawn in setting.example(kind).calls():
            with _Listening() as listening:
                probes.slope(bound(loss, drawn), drawn.prediction)
            require(not listening.heard, f"on {drawn} it calls {', '.join(dict.fromkeys(listening.heard))}")


def _again(loss: Loss) -> Iterator[tuple[str, Loss]]:
    """The loss, put away and taken out again in every way that users have, but for its repr."""
    yield "pickled", pickle.loads(pickle.dumps(loss))
    yield "copied", copy.deepcopy(loss)
    saved = io.BytesIO()
    torch.save(loss.state_dict(), saved)
    saved.seek(0)
    restored: Loss = copy.deepcopy(loss)
    restored.load_state_dict(torch.load(saved, weights_only=True))
    yield "restored from its state_dict", restored


@promise()
def it_can_be_put_away_and_taken_out(setting: Setting) -> None:
    """Pickle, deepcopy and state_dict each give back a loss of the same keywords and the same values.

    Its keywords are all that it is: `state_dict` is empty, and adds nothing to a checkpoint.
    """
    loss = setting.build()
    require(not loss.state_dict(), f"its state_dict holds {', '.join(loss.state_dict())}")
    for words, other in _again(loss):
        _is_the_same(setting, words, loss, other)


@promise()
def its_repr_is_the_call_that_made_it(setting: Setting) -> None:
    """Evaluated, it gives back a loss of the same keywords and the same values."""
    loss = setting.build()
    names = {spec.cls.__name__: spec.cls for spec in catalogue().values()}
    again: Loss = eval(repr(loss), {**names, type(loss).__name__: type(loss)})
    _is_the_same(setting, "rebuilt from its repr", loss, again)


def _is_the_same(setting: Setting, words: str, loss: Loss, other: Loss) -> None:
    """Refuse a loss that prints, holds or gives something else than the one that it was made of."""
    require(repr(other) == repr(loss), f"{words}, {loss!r} became {other!r}")
    for name in setting.spec.parameters:
        a, b = getattr(loss, name), getattr(other, name)
        same = repr(a) == repr(b) if isinstance(a, torch.nn.Module) else a == b  # a module equals itself alone
        require(type(a) is type(b) and same, f"{words}, `{name}` became {b!r}, from {a!r}")
    for kind in setting.kinds:
        drawn = setting.example(kind)
        probes.agree(
            f"the value once {words}", value(other, drawn), value(loss, drawn), rtol=0, atol=0, source="before"
        )


@promise()
def arguments_stand_as_given(setting: Setting) -> None:
    """Each keyword is an attribute that is what was given, and defaults are those of the signature."""
    loss = setting.build()
    for name in setting.spec.parameters:
        require(hasattr(loss, name), f"`{name}` is no attribute of {loss!r}")
        given = setting.get(name)
        require(getattr(loss, name) == given, f"`{name}` is {getattr(loss, name)!r}, given as {given!r}")


@promise()
def a_call_changes_nothing(setting: Setting) -> None:
    """Inputs, grad mode, random state and the loss itself are as before, and every call gives the same."""
    loss = setting.build()
    before = repr(loss), {name: tensor.clone() for name, tensor in loss.named_buffers()}, sorted(vars(loss))
    for kind in setting.kinds:
        extreme = (drawn for _, drawn in setting.extremes(kind, (1e4,)))
        for drawn in (*setting.example(kind).calls(), *extreme):
            probes.same_on_every_call(bound(loss, drawn), drawn.prediction)
            for grad in (True, False):
                with torch.set_grad_enabled(grad), probes.nothing_outside_changes(**drawn.tensors()):
                    got = value(loss, drawn)
                require(not got.requires_grad, "the value has a gradient that no input asked for")
            leaf = drawn.prediction.clone().requires_grad_()
            with torch.no_grad():
                require(not value(loss, replace(drawn, prediction=leaf)).requires_grad, "it overrules no_grad")
    same = all(torch.equal(tensor, before[1][name]) for name, tensor in loss.named_buffers())
    require(repr(loss) == before[0] and same and sorted(vars(loss)) == before[2], f"a call changed the loss: {loss!r}")


@promise(applies=lambda setting: setting.is_default)
def it_cannot_be_subclassed(setting: Setting) -> None:
    """A loss is final: variations are new losses on the same base."""
    cls = setting.spec.cls
    try:
        type(f"Derived{cls.__name__}", (cls,), {})
    except TypeError:
        return
    raise AssertionError(f"{cls.__name__} can be subclassed")
