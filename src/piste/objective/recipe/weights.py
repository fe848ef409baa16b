"""Class weights in a recipe: a list, a number per class name, or a method that makes them of the training set."""

from collections.abc import Mapping
from typing import Any

from piste.balance import METHODS, class_weights, positive_weights
from piste.names import nearest
from piste.objective.recipe.context import Context
from piste.objective.recipe.place import at, mapping, number_in


def per_class(keyword: str, default: Any) -> bool:
    """Whether a keyword of a loss has a number for each class; a `weight` that is one number is the loss's own."""
    return keyword == "pos_weight" or (keyword == "weight" and default is None)


def resolve_weights(place: str, keyword: str, value: Any, context: Context) -> Any:
    """The weights as a list of numbers, or as they came where they need counts that are not known.

    Raises:
        ValueError: They do not fit the classes, would change nothing, or cannot be made.
    """
    names = context.class_names
    if keyword == "weight" and len(names) == 1:
        raise ValueError(
            f"{place}: `weight` would have no effect: the model scores one class, {names[0]}, and a weight sets "
            "classes against each other. binary_cross_entropy's pos_weight sets presence against absence."
        )
    if isinstance(value, str):
        return _made(place, keyword, {"method": value}, value, context)
    if isinstance(value, Mapping) and "method" in value:
        return _made(place, keyword, value, value, context)
    if isinstance(value, Mapping):
        given = mapping(place, value, f"`{keyword}` by class", names, required=names)
        value = [given[name] for name in names]
    if isinstance(value, list | tuple):
        if len(value) != len(names):
            raise ValueError(
                f"{place}: `{keyword}` must have a number for each of the {len(names)} classes that the model scores "
                f"({', '.join(names)}); got {len(value)}: {list(value)}."
            )
        return [number_in(each) for each in value]
    return number_in(value)


def _made(place: str, keyword: str, form: Mapping[str, Any], as_given: Any, context: Context) -> Any:
    """The weights that a method makes of the counts."""
    settings = mapping(place, form, f"`{keyword}` by method", ("method", "power", "cap", "beta"))
    method = settings.pop("method")
    settings = {name: number_in(number) for name, number in settings.items()}
    if method not in METHODS:
        raise ValueError(f"{place}: no class weighting is called {method!r}; {nearest(str(method), METHODS)}.")
    for name, number in settings.items():
        if number is not None and (not isinstance(number, int | float) or isinstance(number, bool)):
            raise ValueError(f"{place}: `{name}` of a class weighting must be a number; got {number!r}.")
    counts = context.counts
    if counts is None:
        with at(place):
            class_weights([1, 1], method, containing=[1, 1], **settings)  # for the rules of its settings
        return as_given
    absent = [name for name, pixels in zip(context.class_names, counts.pixels, strict=True) if pixels == 0]
    if absent:
        raise ValueError(
            f"{place}: no weight can be made for {', '.join(absent)}, which the training set does not hold; "
            f"give `{keyword}` as numbers, or add images that hold it."
        )
    with at(place):
        if keyword == "pos_weight":
            made = positive_weights(counts.pixels, counts.total, method, containing=counts.containing, **settings)
        else:
            made = class_weights(counts.pixels, method, containing=counts.containing, **settings)
    return [float(f"{weight:.6g}") for weight in made.tolist()]
