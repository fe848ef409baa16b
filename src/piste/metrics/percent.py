"""Shares in words, wherever a sentence holds one."""

import math

SPACE = "\u00a0"  # a space that no line breaks at
NONE = "\u2013"  # where a number could stand but there is none


def percent(share: float, *, fine: bool = False) -> str:
    """A share with as many digits as say something; a dash for NaN.

    Args:
        share: in 0 to 1.
        fine: whether there is room for a digit more.

    Example:
        >>> percent(0.413).replace(SPACE, " "), percent(0.0042).replace(SPACE, " "), percent(1.0).replace(SPACE, " ")
        ('41 %', '0.42 %', '100 %')
    """
    if math.isnan(share):
        return NONE
    value = 100 * share
    if 0 < value < 0.1 or 99.9 < value < 100:
        text = "<0.1" if value < 1 else ">99.9"
    elif 0 < value < 1:
        text = f"{value:.2f}"
    elif 99 < value < 100 or (fine and 1 <= value < 100):
        text = f"{value:.1f}"
    else:
        text = f"{value:.0f}"
    return f"{text}{SPACE}%"
