"""A run written as one file that trains the same model on the same data with the same losses, without Piste."""

import ast
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

from piste.data.script.text import WIDTH, assigned
from piste.models.discriminator import DiscriminatorSection
from piste.objective import Objective, Ramp
from piste.objective.terms import Term
from piste.tasks.base import Task
from piste.training.aside import written_aside
from piste.training.recipe import Recipe
from piste.training.run import task_of_run
from piste.training.schedulers import Plateau
from piste.training.script.duel import Rivalry, duel_as_code
from piste.training.script.loop import Loop, loop_as_code
from piste.training.script.phases import alone, minimised
from piste.training.script.players import players, plays_alone
from piste.training.script.steps import optimizer_as_code, schedule_as_code

IMPORTS: Mapping[str, str] = {
    **{name: f"import {name}" for name in ("argparse", "copy", "csv", "gzip", "io", "json", "math")},
    **{name: f"import {name}" for name in ("matplotlib", "re", "sys", "timm", "torch", "torchvision", "unicodedata")},
    "np": "import numpy as np",
    "smp": "import segmentation_models_pytorch as smp",
    "OrderedDict": "from collections import OrderedDict",
    "pairwise": "from itertools import pairwise",
    "Callable": "from collections.abc import Callable",
    "Sequence": "from collections.abc import Sequence",
    "cache": "from functools import cache",
    "groupby": "from itertools import groupby",
    "Path": "from pathlib import Path",
    "Random": "from random import Random",
    "NamedTuple": "from typing import NamedTuple",
    "Image": "from PIL import Image",
    "ImageDraw": "from PIL import ImageDraw",
    "ImageFilter": "from PIL import ImageFilter",
    "ImageFont": "from PIL import ImageFont",
    "ImageOps": "from PIL import ImageOps",
    "load_digits": "from sklearn.datasets import load_digits",
    "Lion": "from timm.optim import Lion",
    "ElementTree": "from xml.etree import ElementTree",
    "Tensor": "from torch import Tensor",
    "nn": "from torch import nn",
    "F": "from torch.nn import functional as F",
    "pack_padded_sequence": "from torch.nn.utils.rnn import pack_padded_sequence",
    "pad_packed_sequence": "from torch.nn.utils.rnn import pad_packed_sequence",
    "DataLoader": "from torch.utils.data import DataLoader",
    "Dataset": "from torch.utils.data import Dataset",
    "spectral_norm": "from torch.nn.utils.parametrizations import spectral_norm",
    "partial": "from functools import partial",
    "MeanAveragePrecision": "from torchmetrics.detection import MeanAveragePrecision",
    **{
        name: f"from {module} import {name}"
        for module, names in (
            ("timm.layers", "freeze_batch_norm_2d"),
            ("torchvision.models._utils", "IntermediateLayerGetter"),
            ("torchvision.models.detection", "FCOS FasterRCNN RetinaNet"),
            ("torchvision.models.detection.anchor_utils", "AnchorGenerator DefaultBoxGenerator"),
            ("torchvision.models.detection.retinanet", "RetinaNetHead"),
            ("torchvision.models.detection.rpn", "concat_box_prediction_layers"),
            ("torchvision.models.detection.ssd", "SSD"),
            ("torchvision.ops", "FeaturePyramidNetwork FrozenBatchNorm2d MultiScaleRoIAlign"),
            ("torchvision.ops", "box_area clip_boxes_to_image"),
            ("torchvision.ops", "distance_box_iou_loss generalized_box_iou_loss"),
            ("torchvision.ops.feature_pyramid_network", "LastLevelMaxPool LastLevelP6P7"),
        )
        for name in names.split()
    },
    "InterpolationMode": "from torchvision.transforms import InterpolationMode",
    "T": "from torchvision.transforms.v2 import functional as T",
}
"""How each name that a script may use gets there."""

PACKAGES = {"segmentation_models_pytorch": "segmentation-models-pytorch", "sklearn": "scikit-learn", "PIL": "Pillow"}
PACKAGES |= {"torchmetrics": "faster-coco-eval torchmetrics"}
"""What has to be installed for a module, where it is not called as that is."""

MAIN = '''
def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\\n")[0])
    parser.add_argument("--log", type=Path, help="a file for the lines; by default they are printed")
    parser.add_argument("--save", type=Path, help="a file for the weights after the last epoch")
    options = parser.parse_args()
    lines = options.log.open("w", encoding="utf-8") if options.log else sys.stdout

    def log(**event: object) -> None:
        print(json.dumps(event), file=lines, flush=True)

    model = train(log)
    if options.save:
        torch.save(model.state_dict(), options.save)
'''


def export_script(run: Path, out: Path) -> None:
    """Write a run as one Python file of plain PyTorch, which trains the same model without Piste.

    Args:
        run: the run's folder.
        out: the file, .py.

    Raises:
        FileNotFoundError: the folder is no run.
        ValueError: names what of the run can't be written.
    """
    recipe, task = task_of_run(run)
    text = script_of(recipe, task, run.resolve().name, out.name)
    with written_aside(out) as aside:
        aside.write_text(text, "utf-8")


def script_of(recipe: Recipe, task: Task, name: str, file: str = "train.py") -> str:
    """The text of the script.

    Args:
        recipe: the resolved recipe of a run.
        task: the recipe's.
        name: of the run.
        file: what the script will be called.

    Raises:
        ValueError: names what of the run can't be written.
    """
    refuse(recipe)
    brought = task.scripted()
    objective = task.objective()
    model, rival = _untrained(task)
    what = minimised(objective, brought, alone if rival is None else players)
    loader = task.loader("train", train=True, workers=0, batch_size=recipe.batch_size)
    per_epoch = math.ceil(len(loader) / (recipe.accumulate if rival is None else rival.steps))
    frozen = not all(parameter.requires_grad for parameter in model.parameters())
    parameters = "[p for p in model.parameters() if p.requires_grad]" if frozen else "model.parameters()"
    loop = Loop(
        optimizer=optimizer_as_code(recipe.optimizer, parameters),
        schedule=schedule_as_code(recipe.scheduler, recipe.optimizer.lr, per_epoch, recipe.epochs),
        warmup=round(recipe.scheduler.warmup * per_epoch),
        clip=recipe.clip is not None,
        accumulate=recipe.accumulate > 1,
        ema=recipe.ema is not None,
        drop_last=loader.drop_last,
        zero=any(_may_vanish(phase.parts) for phase in objective.order),
    )
    if loop.zero and brought.parts:
        raise ValueError("`loss`: a script can't have epochs in which no term counts; let a ramp begin above 0")
    if rival is None:
        looped = loop_as_code(loop, brought, what)
    else:
        looped = duel_as_code(loop, _rivalry(recipe, rival, objective), brought, what)
    constants = [*brought.constants, *_constants(recipe, loop, rival)]
    code = [*brought.code, *what.code, *looped, MAIN.strip()]
    return _assembled(
        _told(recipe, name, file, brought.left),
        constants,
        code,
        [*brought.lists, *([what.table] if what.table else [])],
    )


def refuse(recipe: Recipe) -> None:
    """Refuse settings that a script does not have.

    Raises:
        ValueError: names one.
    """
    if recipe.precision != "no":
        raise ValueError(f"`precision`: a script computes in float32, and the run in {recipe.precision}")
    if recipe.early_stopping is not None:
        raise ValueError("`early_stopping`: a script trains for all epochs; leave the key out")
    if isinstance(recipe.scheduler, Plateau):
        raise ValueError("`scheduler`: a script can't have plateau, which waits for a metric")


def _untrained(task: Task) -> tuple[torch.nn.Module, DiscriminatorSection | None]:
    """The model, and how a discriminator is trained against it, if there is one."""
    with torch.random.fork_rng(devices=[]):
        model, rival = task.model(), task.discriminator()
    return model, None if rival is None else rival.section


def _rivalry(recipe: Recipe, rival: DiscriminatorSection, objective: Objective) -> Rivalry:
    """What the discriminator's part of the loop depends on."""
    lr = recipe.optimizer.lr if rival.lr is None else rival.lr
    return Rivalry(
        optimizer=optimizer_as_code(recipe.optimizer.model_copy(update={"lr": lr}), "discriminator.parameters()"),
        share=lr / recipe.optimizer.lr,
        several=rival.steps > 1,
        cut=rival.weight_clip is not None,
        alone=plays_alone(objective),
        idle=not all(phase.adversarial for phase in objective.order),
    )


def _may_vanish(terms: Iterable[Term]) -> bool:
    """Whether there are epochs in which no term of the model counts."""
    optimised = [term.factor for term in terms if not term.watched and term.game != "discriminator"]
    return all(isinstance(factor, Ramp) and 0 in (factor.start, factor.end) for factor in optimised)


def _constants(recipe: Recipe, loop: Loop, rival: DiscriminatorSection | None) -> list[str]:
    devices = {"auto": '"cuda" if torch.cuda.is_available() else "cpu"'}
    return [
        assigned("EPOCHS", recipe.epochs),
        assigned("BATCH_SIZE", recipe.batch_size),
        assigned("ACCUMULATE", recipe.accumulate, "batches in a step of the optimizer"),
        assigned("WARMUP", loop.warmup, "steps over which the learning rate rises"),
        assigned("CLIP", recipe.clip, "the largest norm of all gradients together"),
        assigned("DISCRIMINATOR_STEPS", rival and rival.steps, "of the discriminator for one of the model"),
        assigned("WEIGHT_CLIP", rival and rival.weight_clip, "the largest weight of the discriminator"),
        assigned("EMA", recipe.ema, "what a step leaves of the average of the weights"),
        assigned("SEED", recipe.seed, "of weights, order, augmentation and dropout"),
        assigned("WORKERS", recipe.workers, "processes that read data"),
        f"DEVICE = {devices.get(recipe.device, chr(34) + recipe.device + chr(34))}",
    ]


def _told(recipe: Recipe, name: str, file: str, left: Sequence[str]) -> str:
    """The first words of the script; `NEEDS` stands for packages."""
    own = [*left, *(key for key, value in (("trackers", recipe.trackers), ("best epoch", recipe.best)) if value)]
    without = (
        f"\nIt has no {_listed(own)}, which change{'s' if len(own) == 1 else ''} no number of the training."
        if own
        else ""
    )
    return f'''"""Trains what a run of Piste trained, with the same losses step by step, in plain PyTorch.

Run: {name} ({recipe.task}).

    python {file}                       prints a JSON line a step and an epoch
    python {file} --log steps.jsonl     writes them to a file
    python {file} --save model.pt       keeps the weights of the last epoch

Needs NEEDS.
On one kind of device numbers agree to within rounding, which may grow as training goes on.{without}
"""'''


def _listed(things: Sequence[str]) -> str:
    """Several things that are not there: a, no b and no c."""
    return " and no ".join([*([", no ".join(things[:-1])] if things[1:] else []), things[-1]])


def _assembled(told: str, constants: Sequence[str], code: Sequence[str], tail: Sequence[str]) -> str:
    """One file: what it imports, the constants that are read, functions, and long lists at the end."""
    body = "\n\n\n".join(code)
    read = _names(body + "\n" + "\n".join(tail))
    kept: list[str] = []
    for constant in reversed(constants):  # those that others are made of stand before them
        name = constant.lstrip().removeprefix("# ").partition(" = ")[0].rpartition("\n")[2]
        if name in read:
            kept.insert(0, constant)
            read |= _names(constant)
    text = "\n\n\n".join(["\n".join(kept), body, *(["\n".join(tail)] if tail else [])])
    text += '\n\n\nif __name__ == "__main__":\n    main()\n'
    used = [name for name in IMPORTS if name in _names(text)]
    roots = {IMPORTS[name].split()[1].partition(".")[0] for name in used} - sys.stdlib_module_names - {"torch"}
    needs = sorted({each for root in roots for each in PACKAGES.get(root, root).split()}, key=str.lower)
    needed = ", ".join(["torch", *needs[:-1]]) + f" and {needs[-1]}" if needs else "torch"
    return f"{told.replace('NEEDS', needed)}\n\n{_imports(used)}\n\n{text}"


def _names(code: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def _imports(used: Iterable[str]) -> str:
    """The imports of some names, sorted as usual: the standard library first, and `import` before `from`."""
    groups: dict[bool, dict[str, list[str]]] = {True: {}, False: {}}
    for line in (IMPORTS[name] for name in used):
        module = line.split()[1]
        standard = module.partition(".")[0] in sys.stdlib_module_names
        if line.startswith("from"):
            groups[standard].setdefault(f"from {module} import", []).append(line.partition(" import ")[2])
        else:
            groups[standard][line] = []
    sections = []
    for group in groups.values():
        lines = [_import(start, sorted(names)) for start, names in group.items()]
        sections.append("\n".join(sorted(lines, key=lambda line: (line.startswith("from"), line.split()[1].lower()))))
    return "\n\n".join(section for section in sections if section)


def _import(start: str, names: Sequence[str]) -> str:
    """A line, or several where it would be too long."""
    line = f"{start} {', '.join(names)}" if names else start
    return line if len(line) <= WIDTH else f"{start} (\n" + "".join(f"    {name},\n" for name in names) + ")"
