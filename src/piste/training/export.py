"""A run's best model written for others to run: as ONNX, or as a program of torch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim

from piste.models.hushed import hushed
from piste.tasks.base import Exported
from piste.training.aside import written_aside
from piste.training.run import best_model, task_of_run

EXPORTERS = ("torch", "onnxscript", "onnx_ir")
AXES = {0: "batch", 2: "height", 3: "width"}
SMALLEST, LARGEST = 32, 8192  # of a side that is free, in pixels; the largest of a batch, too


def export_torch(run: Path, out: Path) -> Exported:
    """Write a run's best model as a program that `torch.export.load(path).module()` runs, without Piste or smp or timm.

    Args:
        run: the run's folder.
        out: the file, .pt2.

    Raises:
        FileNotFoundError: the folder is no run.
        ValueError: the run has no best epoch, or models of its task can't be exported.
    """
    exported = _exported(run)
    with written_aside(out) as aside:
        program = _program(exported)
        with open(aside, "wb") as file:
            torch.export.save(program, file, extra_files={"piste.json": json.dumps(_facts(run, exported))})
    return exported


def export_onnx(run: Path, out: Path) -> Exported:
    """Write a run's best model as ONNX, one file with its weights in it.

    Args:
        run: the run's folder.
        out: the file, .onnx.

    Raises:
        FileNotFoundError: the folder is no run.
        ValueError: the run has no best epoch, models of its task can't be exported, or the packages are not installed.
    """
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise ValueError(f"--onnx needs {' and '.join(missing)}; `pip install 'piste[export]'`")
    exported = _exported(run)
    with hushed(*EXPORTERS), _lstm_kept(exported.module):
        found: Any = torch.onnx.export(
            _program(exported),
            dynamo=True,
            verbose=False,
            input_names=[exported.input],
            output_names=[exported.output] if isinstance(exported.output, str) else list(exported.output),
        )
        for key, value in _facts(run, exported).items():
            found.model.metadata_props[key] = value if isinstance(value, str) else json.dumps(value)
        with written_aside(out) as aside:
            found.save(aside, external_data=False)
    return exported


def _exported(run: Path) -> Exported:
    _, task = task_of_run(run)
    return task.exported(best_model(task, run).eval())


def _program(exported: Exported) -> torch.export.ExportedProgram:
    """The module traced, with the axes free that it says are."""
    axes: dict[int, Any] = {}
    for axis, step in exported.free.items():
        least = 1 if axis == 0 else max(SMALLEST // step, 2)
        steps = Dim(f"{AXES[axis]}_{step}", min=least, max=LARGEST // step)
        axes[axis] = steps if step == 1 else step * steps
    with torch.no_grad(), hushed(*EXPORTERS), _lstm_kept(exported.module):
        return torch.export.export(exported.module, (exported.example,), dynamic_shapes=(axes,))


def _facts(run: Path, exported: Exported) -> dict[str, Any]:
    return {"run": run.resolve().name, "takes": exported.takes, "gives": exported.gives, **exported.facts}


@contextmanager
def _lstm_kept(module: nn.Module) -> Iterator[None]:
    """Keeps an LSTM one operation of any number of steps, where the exporters would write out those of the example.

    Raises:
        ValueError: this torch can't.
    """
    if not any(isinstance(part, nn.LSTM) for part in module.modules()):
        yield
        return
    try:
        from torch.export._patches import register_lstm_while_loop_decomposition
    except ImportError:
        came = f"and torch {torch.__version__} would write its LSTM for one number of steps alone"
        raise ValueError(f"the model takes inputs of any length, {came}; take a newer torch") from None
    with register_lstm_while_loop_decomposition():
        yield
