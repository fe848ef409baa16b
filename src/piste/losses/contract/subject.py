"""A user's own loss, loaded from `FILE.py:NAME`: a function, a class or an object that can be called."""

import difflib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from torch import Tensor

Subject = Callable[..., Tensor]


def load_subject(place: str) -> Subject:
    """Import one callable from a Python file.

    A class is built without arguments. The file's own folder can be imported from while the file is read.

    Args:
        place: `FILE.py:NAME`, the file relative to the current folder or absolute.

    Returns:
        The function, or the object, to be called as `subject(prediction, target)`.

    Raises:
        ValueError: `place` is not of this form, the file is missing or fails while it is imported, it has no
            such name, or what the name stands for cannot be called.
    """
    file, colon, name = place.rpartition(":")
    path = Path(file)
    if not colon or path.suffix != ".py" or not name.isidentifier():
        raise ValueError(f"a custom loss is given as FILE.py:NAME, such as my_loss.py:my_loss; got {place!r}.")
    if not path.is_file():
        raise ValueError(f"there is no file {file!r} to load {name!r} from; the path is relative to {Path.cwd()}.")
    members = vars(_imported(path))
    if name not in members:
        own = [key for key, value in members.items() if callable(value) and not key.startswith("__")]
        near = difflib.get_close_matches(name, own, n=3, cutoff=0.5) or sorted(own)[:5]
        has = f"did you mean {', '.join(near)}?" if near else "it defines nothing that can be called."
        raise ValueError(f"{file} has no {name!r}; {has}")
    subject: Any = members[name]
    if isinstance(subject, type):
        subject = _built(subject, place)
    if not callable(subject):
        raise ValueError(f"{place} is {type(subject).__name__}, which cannot be called as a loss(prediction, target).")
    return cast(Subject, subject)


def _imported(path: Path) -> Any:
    """Run the file as a module of its own, with its folder on the import path meanwhile."""
    path = path.resolve()
    name = f"piste_custom_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ValueError(f"{path} cannot be imported as a Python file.")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up by name
    sys.path.insert(0, str(path.parent))
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ValueError(f"{path.name} fails while it is imported, {_line(error, path)}: {said(error)}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def _built(cls: type, place: str) -> Any:
    """Build the class without arguments."""
    try:
        return cls()
    except Exception as error:
        raise ValueError(
            f"{place} is a class that cannot be built without arguments ({said(error)}); "
            f"give its arguments defaults, or name an object: loss = {cls.__name__}(...)."
        ) from error


def _line(error: BaseException, path: Path) -> str:
    """Where in the user's file it went wrong: the deepest of its lines on the traceback."""
    number = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            number = trace.tb_lineno
        trace = trace.tb_next
    return "at its start" if number is None else f"line {number}"


def said(error: BaseException) -> str:
    """An exception's type and the first line of its message."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    first = message.strip().splitlines()[0] if message.strip() else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
