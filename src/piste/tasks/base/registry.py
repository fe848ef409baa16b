"""Where the tasks are found: each by its module's name, and loaded when it is asked for."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from piste import tasks
from piste.names import nearest
from piste.tasks.base.task import Task


def task_names() -> list[str]:
    """The names of all tasks, as recipes write them."""
    return sorted(module.name for module in iter_modules(tasks.__path__) if module.name != "base")


@cache
def task_class(name: str) -> type[Task]:
    """The task of that name.

    Raises:
        ValueError: there is none.
    """
    known = task_names()
    if name not in known:
        raise ValueError(f"no task is called {name!r}; {nearest(name, known, most=len(known))}")
    module = import_module(f"{tasks.__name__}.{name}")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Task) and value != Task
    )
    return found
