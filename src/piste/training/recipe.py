"""A recipe: everything that decides a run, as one checked document."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Self, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from piste.data.section import DataSection
from piste.losses.features.layers import RANDOM
from piste.names import nearest
from piste.tasks.base import Task, task_class, task_names
from piste.training.settings import TrainingRecipe

Section = TypeVar("Section", bound=BaseModel)
Loss = str | dict[str, Any]  # the objective room has its grammar: piste.objective.recipe


class Recipe(TrainingRecipe):
    """What is trained, on what, with which losses, and how.

    The keys of a YAML recipe are the fields of this class, and the sections of its task beside them: `data`, `model`
    and what else the task asks for. Those of `TrainingRecipe` stand at the top, too. Unknown keys are refused with the
    nearest known ones.
    """

    model_config = ConfigDict(extra="forbid")

    task: str
    loss: Loss

    @classmethod
    def parse(cls, document: object, source: str = "recipe") -> "Recipe":
        """The recipe that `document`, nested mappings as YAML gives them, stands for.

        Raises:
            ValueError: in one line, each thing wrong with it, its place and what is allowed there.
        """
        if not isinstance(document, dict):
            raise ValueError(
                f"{source}: a recipe is a mapping of keys such as task, data and loss; got {document!r:.60}"
            )
        if not isinstance(document.get("task"), str):
            came = f"is {document['task']!r:.60}" if "task" in document else "is missing"
            raise ValueError(f"{source}: `task` {came}; known: {', '.join(task_names())}")
        try:
            section = recipe_class(document["task"])
        except ValueError as error:
            raise ValueError(f"{source}: `task`: {error}") from None
        return parse_section(section, document, f"{source}: ")

    def section(self, name: str) -> Any:
        """One of the sections that are the task's own, such as `data`."""
        return getattr(self, name)

    def open(self) -> Task:
        """Its task, all of its settings checked.

        Raises:
            ValueError: a setting that can't be.
            FileNotFoundError: data that are not there.
        """
        kind = task_class(self.task)
        task = kind.open({name: self.section(name) for name in kind.sections}, self.loss, seed=self.seed)
        self.check_metrics(task.metric_names)
        return task

    def resolved(self, task: Task) -> Self:
        """The same recipe with data, loss and what else its task made out."""
        return self.model_copy(update={"data": task.data_recipe, "loss": dict(task.loss), **task.settled()})

    def to_yaml(self) -> str:
        """The recipe as YAML, every default written out."""
        document = self.model_dump(mode="json")
        first = {key: document.pop(key) for key in ("task", *task_class(self.task).sections, "loss")}
        return yaml.safe_dump(first | document, sort_keys=False, allow_unicode=True, width=110)


@cache
def recipe_class(task: str) -> type[Recipe]:
    """The recipes of one task: `Recipe` with the task's own sections.

    Raises:
        ValueError: there is no such task.
    """
    sections: dict[str, Any] = {}
    for name, section in task_class(task).sections.items():
        complete = all(not field.is_required() for field in section.model_fields.values())
        sections[name] = (section, section() if complete else ...)
    kind: Any = Literal[task]
    return create_model(f"{task.capitalize()}Recipe", __base__=Recipe, task=(kind, ...), **sections)


def parse_section(section: type[Section], document: dict[str, Any], prefix: str = "") -> Section:
    """A recipe, or a section of one, from nested mappings.

    Raises:
        ValueError: in one line that starts with `prefix`, each thing wrong with it.
    """
    try:
        return section.model_validate(document)
    except ValidationError as errors:
        raise ValueError(prefix + "; ".join(_in_words(section, errors))) from None


def builtin_recipes() -> dict[str, str]:
    """The recipes that ship with the package: name -> YAML text."""
    folder = resources.files("piste") / "recipes"
    found = sorted((item.name, item) for item in folder.iterdir() if item.name.endswith(".yaml"))
    return {name.removesuffix(".yaml"): item.read_text("utf-8") for name, item in found}


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a YAML file or of a built-in name, with `key=value` overrides checked by the same model.

    Args:
        name: a path that ends in .yaml or .yml, or the name of a built-in recipe.
        overrides: assignments such as `model.encoder=resnet34` or `loss.cycle.phases[1].lr=0.05`; a value is read
            as YAML.

    Raises:
        FileNotFoundError: neither a file nor a built-in recipe.
        ValueError: not YAML, not a recipe, or an override that can't be applied.
    """
    builtin = builtin_recipes()
    path = Path(name)
    if name in builtin:
        text = builtin[name]
    elif path.is_file():
        text = path.read_text("utf-8")
    else:
        raise FileNotFoundError(
            f"{name} is neither a recipe file nor a built-in recipe; built in: {', '.join(builtin)}"
        )
    document = _read_yaml(text, name)
    if name not in builtin:
        _take_paths_from(path.parent, document)
    for assignment in overrides:
        _override(document, assignment)
    _take_paths_from(Path(), document)
    return Recipe.parse(document, name)


def _read_yaml(text: str, source: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ValueError(f"{source}{where}: not YAML: {getattr(error, 'problem', None) or error}") from None


def _take_paths_from(folder: Path, document: Any) -> None:
    """Make the relative paths that a recipe names absolute: its data, and the files of its losses."""
    data = document.get("data") if isinstance(document, dict) else None
    if isinstance(data, dict) and isinstance(data.get("path"), str) and data["path"] not in _built_in(document):
        data["path"] = str((folder / Path(data["path"]).expanduser()).absolute())
    for section in _sections(document):
        custom = section.get("custom")
        if isinstance(custom, str) and custom:
            section["custom"] = str((folder / Path(custom).expanduser()).absolute())
    for section in _sections(document.get("loss") if isinstance(document, dict) else None):
        weights = section.get("weights")  # of the network that a loss looks through
        if isinstance(weights, str) and weights != RANDOM:
            section["weights"] = str((folder / Path(weights).expanduser()).absolute())


def _built_in(document: Mapping[str, Any]) -> frozenset[str]:
    """The names of data sets, which are no paths, that a recipe of this task may use."""
    task = document.get("task")
    section = task_class(task).sections.get("data") if task in task_names() else None
    return section.built_in if section is not None and issubclass(section, DataSection) else frozenset()


def _sections(document: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(document, dict):
        yield document
    for inner in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from _sections(inner)


def _override(document: Any, assignment: str) -> None:
    """Set one dotted place of a document, in place."""
    key, equals, value = assignment.partition("=")
    steps: list[str | int] = [int(n) if n else word for word, n in re.findall(r"([^.\[\]]+)|\[(\d+)\]", key)]
    if not equals or not steps:
        raise ValueError(f"--set takes key=value, such as --set model.encoder=resnet34; got {assignment!r}")
    here = document
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        new: Any = _read_yaml(value, f"--set {key}") if following is None else {}
        if isinstance(here, list) and isinstance(step, int) and step < len(here):
            if following is None:
                here[step] = new
        elif isinstance(here, dict) and isinstance(step, str):
            if following is None:
                here[step] = new
            elif not isinstance(here.get(step), dict | list):
                # `optimizer: adamw` becomes `optimizer: {adamw: {}}` when a setting of it is named
                here[step] = {here[step]: {}} if here.get(step) == following else {}
        else:
            raise ValueError(f"--set {key}: the recipe has no place called {step!r} there; it holds {here!r:.80}")
        here = here[step]


def _in_words(model: type[BaseModel], errors: ValidationError) -> list[str]:
    """Pydantic's errors in the house's form: place, rule, what came; what a place might have been is one error."""
    found: dict[str, list[str]] = {}
    came: dict[str, str] = {}
    for error in errors.errors():
        place = [part for part in error["loc"] if not _is_union_label(part)]
        name = re.sub(r"\.(\d+)", r"[\1]", ".".join(str(part) for part in place))
        message = error["msg"].removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
        if error["type"] == "extra_forbidden":
            message = f"is no key of a recipe; {nearest(str(place[-1]), _fields_at(model, place[:-1]))}"
        elif error["type"] == "missing":
            message = "is missing"
        elif error["type"] == "value_error":
            message = message if message.startswith("`") else f"{'' if message.startswith('is ') else ': '}{message}"
        else:
            came[name] = f"; got {error['input']!r:.60}"
        found.setdefault(name, []).append(message)
    return [
        next(
            (m for m in messages if m.startswith("`")), f"`{name}` {' or '.join(messages)}".replace("` :", "`:")
        ).removeprefix("``: ")  # what is wrong with the whole
        + came.get(name, "")
        for name, messages in found.items()
    ]


def _is_union_label(part: object) -> bool:
    """Whether pydantic put this in a place's path to say which type of a union it tried."""
    return isinstance(part, str) and (part in ("str", "int", "float", "bool") or bool(re.search(r"[\[\]()-]", part)))


def _fields_at(model: type[BaseModel], place: Iterable[object]) -> list[str]:
    """The keys known at a place of a recipe."""
    for part in place:
        field = model.model_fields.get(str(part))
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list):
        return next((found for a in get_args(annotation) if (found := _model_in(a))), None)
    return None
