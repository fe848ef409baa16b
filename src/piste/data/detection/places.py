"""Where files lie, said for all splits at once or for each: a part of `data:` sections."""

from piste.data.split import SPLITS

Places = str | dict[str, str]
"""A path, or one for each split."""


def read_places(places: object) -> object:
    """One path, or one for each split."""
    if places is None or isinstance(places, str):
        return places
    if not isinstance(places, dict) or not places or not set(places) <= set(SPLITS):
        raise ValueError(
            f"is a path, or one for each split, such as {{train: a.json, val: b.json}}; got {places!r:.60}"
        )
    return places
