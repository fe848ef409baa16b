"""What can be asked of any function of a prediction and a target, and the words for what came out wrong.

Each probe takes a function of the prediction alone (the target is already bound to it), runs it, and raises
`AssertionError` saying where it went wrong and by how much.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Value = Callable[[Tensor], Tensor]

STEP = {torch.float64: 1e-5, torch.float32: 2e-2}
"""Step of the central differences: the cube root of the rounding error, near enough."""


def require(holds: bool, otherwise: str) -> None:
    """An `assert` that `python -O` does not drop: these checks also judge users' own functions."""
    if not holds:
        raise AssertionError(otherwise)


def place(name: str, tensor: Tensor, flat_index: int) -> str:
    """Name one element: `prediction[1, 0, 4]`."""
    index = [int(i) for i in torch.unravel_index(torch.tensor(flat_index), tensor.shape)]
    return f"{name}{index}" if index else name


def agree(name: str, got: Tensor, expected: Tensor, *, rtol: float, atol: float, source: str) -> None:
    """Two tensors are equal within a tolerance; if not, say where they differ most."""
    require(
        got.shape == expected.shape,
        f"{name} has shape {tuple(got.shape)}; {source} gives {tuple(expected.shape)}",
    )
    excess = (got.double() - expected.double()).abs() - (atol + rtol * expected.double().abs())
    if got.numel() == 0 or bool((excess <= 0).all()):  # a NaN is not <= 0
        return
    worst = int(excess.nan_to_num(nan=torch.inf).argmax())
    raise AssertionError(
        f"{place(name, got, worst)} is {got.flatten()[worst].item():.9g}; "
        f"{source} gives {expected.flatten()[worst].item():.9g}"
    )


def slope(value: Value, prediction: Tensor) -> Tensor:
    """Gradient of a 0-d value, which must depend on the prediction through operations autograd can follow."""
    leaf = prediction.detach().clone().requires_grad_()
    with torch.enable_grad():
        result = value(leaf)
        require(
            result.requires_grad,
            "the value has no gradient: an argmax, a threshold, .detach() or .item() cuts it off the prediction",
        )
        (gradient,) = torch.autograd.grad(result.sum(), leaf, allow_unused=True)
    if gradient is None:
        raise AssertionError("the value has a gradient, but none that reaches the prediction")
    return gradient


def differences(value: Value, prediction: Tensor, step: float) -> Tensor:
    """Gradient by central finite differences, one element after the other."""
    gradient = torch.zeros_like(prediction)
    with torch.no_grad():
        for i in range(prediction.numel()):
            ends = []
            for sign in (1, -1):
                moved = prediction.detach().clone()
                moved.view(-1)[i] += sign * step
                ends.append(value(moved).sum())
            gradient.view(-1)[i] = (ends[0] - ends[1]) / (2 * step)
    return gradient


def gradient_is_right(value: Value, prediction: Tensor, *, exact: bool = True) -> None:
    """Autograd agrees with finite differences; `exact=False` allows for a function that rounds to float32."""
    dtype = torch.float64 if exact else torch.float32
    got = slope(value, prediction)
    expected = differences(value, prediction, STEP[dtype])
    scale = float(expected.abs().max())
    rtol, atol = (1e-5, 1e-7 * scale + 1e-9) if exact else (0.0, 2e-2 * scale + 1e-5)
    agree("the gradient at prediction", got, expected, rtol=rtol, atol=atol, source="finite differences")


def stays_finite(value: Value, prediction: Tensor) -> None:
    """Neither the value nor any element of the gradient is NaN or infinite."""
    with torch.no_grad():
        result = value(prediction)
    require(bool(result.isfinite().all()), f"the value is {result.detach().flatten()[0].item()}")
    gradient = slope(value, prediction)
    bad = (~gradient.isfinite()).flatten()
    if bad.any():
        worst = int(bad.int().argmax())
        raise AssertionError(
            f"the value is finite, but the gradient at {place('prediction', prediction, worst)} is "
            f"{gradient.flatten()[worst].item()}, where the prediction is {prediction.flatten()[worst].item():g}"
        )


def same_on_every_call(value: Value, prediction: Tensor) -> None:
    """The value depends on nothing but the arguments: no dice, no memory of earlier calls."""
    with torch.no_grad():
        first = value(prediction).clone()
        again = value(prediction).clone()
        value(prediction * -0.5 + 1)
        later = value(prediction).clone()
    agree("the value of a second call", again, first, rtol=0, atol=0, source="the first call with the same input")
    agree("the value after a call with another input", later, first, rtol=0, atol=0, source="the call before it")


def compiles(value: Value, prediction: Tensor, *, backend: str = "aot_eager") -> None:
    """`torch.compile(fullgraph=True)` takes it whole, and the value and gradient stay the same."""
    expected, expected_gradient = value(prediction), slope(value, prediction)
    torch.compiler.reset()
    compiled = torch.compile(value, fullgraph=True, backend=backend)
    try:
        got, got_gradient = compiled(prediction), slope(compiled, prediction)
    except Exception as error:
        if not type(error).__module__.startswith("torch"):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise AssertionError(f"torch.compile(fullgraph=True) refuses it: {lines[0] if lines else error}") from error
    finally:
        torch.compiler.reset()
    rtol, atol = (1e-9, 1e-12) if prediction.dtype == torch.float64 else (1e-4, 1e-6)
    agree("the compiled value", got, expected, rtol=rtol, atol=atol, source="eager")
    agree("the compiled gradient", got_gradient, expected_gradient, rtol=rtol, atol=atol, source="eager")


@contextmanager
def nothing_outside_changes(**tensors: Tensor) -> Iterator[None]:
    """The block leaves the given tensors, the grad mode, the default dtype and the random state as they were."""
    before = {name: (t._version, t.detach().clone(), t.requires_grad, t.grad) for name, t in tensors.items()}
    grad_mode, dtype, random = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_rng_state()
    yield
    for name, (version, content, requires_grad, grad) in before.items():
        tensor = tensors[name]
        same = tensor._version == version and torch.equal(tensor.detach(), content)
        require(same, f"{name} was changed in place")
        require(tensor.requires_grad == requires_grad, f"{name}.requires_grad became {tensor.requires_grad}")
        require(tensor.grad is grad, f"{name}.grad was set by the call")
    now = torch.is_grad_enabled()
    torch.set_grad_enabled(grad_mode)
    require(now == grad_mode, f"gradients were switched {'on' if now else 'off'} and left so")
    new_dtype = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    require(new_dtype == dtype, f"the default dtype was left at {new_dtype}")
    require(torch.equal(torch.get_rng_state(), random), "random numbers were drawn")
