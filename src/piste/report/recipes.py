"""What differs between the recipes of several runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from piste.metrics.percent import NONE


def differences(recipes: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """The keys in which recipes differ, each with what every recipe has there, as YAML.

    Mappings are entered where they share a key; what has nothing in common is shown whole.

    Example:
        >>> differences([{"lr": 1, "loss": {"dice": {}}}, {"lr": 1, "loss": {"focal": {"gamma": 2}}}])
        [('loss', ['dice: {}', 'focal: {gamma: 2}'])]
    """
    return [(key, [_yaml(value) for value in values]) for key, values in _differing("", list(recipes))]


_MISSING = object()


def _differing(key: str, values: list[Any]) -> list[tuple[str, list[Any]]]:
    if all(value == values[0] for value in values):
        return []
    mappings = [value for value in values if isinstance(value, Mapping)]
    if len(mappings) < len(values) or not set.intersection(*(set(mapping) for mapping in mappings)):
        return [(key, values)]
    names = dict.fromkeys(name for mapping in mappings for name in mapping)
    return [
        found
        for name in names
        for found in _differing(f"{key}.{name}".lstrip("."), [mapping.get(name, _MISSING) for mapping in mappings])
    ]


def _yaml(value: Any) -> str:
    if value is _MISSING:
        return NONE
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=60)
    return text.removesuffix("\n").removesuffix("\n...")
