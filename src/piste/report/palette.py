"""The colours of the report: each has a light and a dark form, and all of them survive colour blindness.

Figures are drawn in the light form; `themed` turns every one of these colours in an SVG into a CSS variable, so that
one drawing serves both schemes.
"""

import re

NEUTRALS = {
    "ink": ("#1c2024", "#eceef0"),
    "muted": ("#5b636b", "#a3abb3"),
    "faint": ("#a9b0b7", "#5f686f"),
    "grid": ("#e3e6e9", "#2f353a"),
    "paper": ("#fdfdfc", "#14171a"),
}
RUNS = {
    "run-1": ("#0b69b7", "#62b0ee"),
    "run-2": ("#d4500c", "#ff9055"),
    "run-3": ("#0d8f6b", "#45d3a8"),
    "run-4": ("#a8479a", "#e293d3"),
    "run-5": ("#b58900", "#ecc04b"),
    "run-6": ("#56616c", "#aab6c1"),
}
PHASES = {
    "phase-1": ("#e09f12", "#efb93c"),
    "phase-2": ("#7256c2", "#a48cf0"),
    "phase-3": ("#149a9c", "#3fc4c6"),
    "phase-4": ("#cf5478", "#f0809f"),
    "phase-5": ("#7b8a24", "#b1c14d"),
    "phase-6": ("#6f7a85", "#98a3ad"),
}
TOKENS = NEUTRALS | RUNS | PHASES

INK, MUTED, FAINT, GRID, PAPER = (light for light, _ in NEUTRALS.values())

# On photographs, the same in both schemes.
HIT, MISS, FALSE_ALARM, IGNORED = (86, 188, 246), (255, 216, 64), (240, 78, 40), (150, 150, 150)
CLASSES = ((86, 188, 246), (255, 176, 59), (196, 128, 255), (77, 214, 158), (255, 120, 150), (214, 222, 90))

_VARIABLE = {light: f"var(--{name})" for name, (light, _) in TOKENS.items()}


def run_colour(index: int) -> str:
    """The colour of the run at a place in a comparison; a run alone is the first."""
    return list(RUNS.values())[index % len(RUNS)][0]


def phase_colour(index: int) -> str:
    """The colour of a phase, by the order in which the names of phases first appear."""
    return list(PHASES.values())[index % len(PHASES)][0]


def css_variable(colour: str) -> str:
    """How a style sheet refers to one of these colours.

    Example:
        >>> css_variable("#1c2024")
        'var(--ink)'
    """
    return _VARIABLE[colour]


def css_variables(dark: bool) -> str:
    """The declarations that give each colour its light or dark form."""
    return " ".join(f"--{name}: {forms[dark]};" for name, forms in TOKENS.items())


def themed(svg: str) -> str:
    """An SVG whose colours follow the page's scheme."""
    return re.sub("|".join(_VARIABLE), lambda match: _VARIABLE[match[0]], svg)
