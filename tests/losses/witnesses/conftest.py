"""Agreement with independent implementations: each comparison is asserted, and its relative error can be kept."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from piste.losses import catalogue

FOUND = pytest.StashKey[dict[str, dict[str, float]]]()


def pytest_configure(config) -> None:
    config.stash[FOUND] = {}


@pytest.fixture
def witness(request) -> Callable[..., None]:
    """`witness(loss, peer, got, expected, rtol=…)`: ours equals theirs, within a share of the largest number."""
    found = request.config.stash[FOUND]

    def agree(loss: str, peer: str, got: Tensor, expected: Tensor, *, rtol: float = 1e-6) -> None:
        assert loss in catalogue(), f"{loss} is no loss of the catalogue"
        got, expected = got.detach().double(), expected.detach().double()
        assert got.shape == expected.shape
        assert got.isfinite().all()
        assert expected.isfinite().all()
        scale = expected.abs().max().clamp(min=1e-12)
        error = float((got - expected).abs().max() / scale)
        assert error <= rtol, f"{loss} and {peer} differ by {error:.2e} of {scale:.6g}; allowed is {rtol:g}"
        errors = found.setdefault(loss, {})
        errors[peer] = max(errors.get(peer, 0.0), error)

    return agree


def pytest_sessionfinish(session) -> None:
    file = session.config.getoption("--witnesses")
    if file is not None:
        Path(file).write_text(json.dumps(session.config.stash[FOUND], indent=2, sort_keys=True) + "\n", "utf-8")


def example(*shape: int, seed: int = 5) -> Tensor:
    """Random numbers in float64, the same on every call."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
