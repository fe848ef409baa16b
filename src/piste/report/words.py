"""Numbers in words: what a reader should know before looking at any figure."""

import math
from collections.abc import Iterable, Mapping

from piste.metrics.percent import NONE, SPACE, percent

SPLITS = {"val": "validation", "test": "test"}


def grouped(number: int) -> str:
    """A count with its thousands set apart.

    Example:
        >>> grouped(1246420).replace(SPACE, " "), grouped(983)
        ('1 246 420', '983')
    """
    return f"{number:,}".replace(",", SPACE)


def decimals(value: float, digits: int = 3) -> str:
    """A score with three digits after the point, or as many as are asked for; a dash where there is none."""
    return NONE if math.isnan(value) else f"{value:.{digits}f}".replace("-", "\u2212")


def signed(change: float, digits: int = 3) -> str:
    """A difference with its sign and so many digits after the point; a plain 0 where they show none."""
    return f"{change:+.{digits}f}".replace("-", "\u2212") if abs(change) >= 0.5 * 10**-digits else "0"


def digits_of(values: Iterable[float]) -> int:
    """How many digits after the point leave these numbers three or four that say something.

    Example:
        >>> [digits_of([value]) for value in (0.8731, 28.412, 131.7, -5320.0, 0.02277)]
        [3, 2, 1, 0, 4]
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if 0 < largest < 0.1:
        return 4 if largest >= 0.01 else 5
    return next((digits for digits, limit in ((3, 10), (2, 100), (1, 1000)) if largest < limit), 0)


def number(value: float) -> str:
    """A number that is no share, short; a dash for NaN.

    Example:
        >>> number(28.4123), number(0.8731), number(53211.0).replace(SPACE, " ")
        ('28.41', '0.873', '53 211')
    """
    digits = digits_of([value])
    if digits or not math.isfinite(value):
        return decimals(value, digits)
    return grouped(round(value)).replace("-", "\u2212")


def duration(seconds: float) -> str:
    """How long something took.

    Example:
        >>> duration(71), duration(8), duration(7300)
        ('1 min 11 s', '8 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plural(noun: str) -> str:
    """Several of them.

    Example:
        >>> plural("lake"), plural("box"), plural("city"), plural("bay")
        ('lakes', 'boxes', 'cities', 'bays')
    """
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def found(scores: Mapping[str, float], foreground: list[str], objects: Mapping[str, Mapping[str, int]]) -> str:
    """What a model finds, in one sentence without its subject.

    Args:
        scores: flat names to values.
        foreground: the classes that the means are over.
        objects: class -> how many objects the `truth` has and how many are `matched`; may be empty.

    Example:
        >>> found({"recall": 0.41, "precision": 0.63}, ["lake"], {"lake": {"truth": 37, "matched": 12}}).replace(
        ...     SPACE, " "
        ... )
        'found 41 % of the lake pixels at 63 % precision; 12 of 37 lakes'
    """
    one = foreground[0] if len(foreground) == 1 else None
    what = one or "foreground"
    recall, precision = scores.get("recall", math.nan), scores.get("precision", math.nan)
    if math.isnan(recall):
        return f"found no {what} and there was none"
    if recall == 0.0:
        return f"found no {what} at all" if precision == 0.0 else f"found none of the {what} pixels"
    text = f"found {percent(recall)} of the {what} pixels at {percent(precision)} precision"
    if one is None:
        text += f", averaged over {len(foreground)} classes"
    counted = [objects[name] for name in foreground if name in objects]
    if counted:
        matched, truth = (sum(int(each[key]) for each in counted) for key in ("matched", "truth"))
        text += f"; {grouped(matched)} of {grouped(truth)} {plural(one) if one else 'objects'}"
    elif not math.isnan(scores.get("object_recall", math.nan)):
        text += f"; {percent(scores['object_recall'])} of the {plural(one) if one else 'objects'}"
    return text
