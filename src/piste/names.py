"""What an error says about a name that does not exist: the nearest ones, then what there is."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], most: int = 40) -> str:
    """The names nearest to a misspelt one, then those there are.

    Args:
        name: what came.
        known: what is allowed.
        most: how many of the known names are listed; the rest are counted.

    Example:
        >>> nearest("focall", ["dice", "focal", "jaccard"])
        'nearest: focal; there are dice, focal, jaccard'
    """
    known = sorted(known)
    if not known:
        return "there are none"
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"nearest: {', '.join(close)}; " if close else ""
    rest = f" and {len(known) - most} more" if len(known) > most else ""
    return f"{hint}there are {', '.join(known[:most])}{rest}"
