"""The colours of the report: each has a light and a dark form, and all of them survive colour blindness.

There are four for runs and four for phases, since more can't be kept apart by every eye; then shapes go on.

Figures are drawn in the light form; `themed` turns every one of these colours in an SVG into a CSS variable, so that
one drawing serves both schemes.
"""

import re

NEUTRALS = {
    "ink": ("#1c2024", "#eceef0"),
    "muted": ("#5b636b", "#a3abb3"),
    "faint": ("#a9b0b7", "#6c757d"),
    "grid": ("#e3e6e9", "#2f353a"),
    "paper": ("#fdfdfc", "#14171a"),
}
RUNS = {
    "run-1": ("#155fb0", "#5ea9ee"),
    "run-2": ("#d6530f", "#ff9d5e"),
    "run-3": ("#10a080", "#86eccb"),
    "run-4": ("#932d6f", "#cf5596"),
}
PHASES = {
    "phase-1": ("#e6a817", "#f3c34a"),
    "phase-2": ("#5b45b0", "#9a7ff0"),
    "phase-3": ("#1aa6a8", "#4fd0d2"),
    "phase-4": ("#c23b63", "#e8668a"),
}
TOKENS = NEUTRALS | RUNS | PHASES

INK, MUTED, FAINT, GRID, PAPER = (light for light, _ in NEUTRALS.values())

# On photographs, the same in both schemes.
HIT, MISS, FALSE_ALARM, IGNORED = (86, 188, 246), (255, 216, 64), (240, 78, 40), (150, 150, 150)
CLASSES = ((86, 188, 246), (255, 176, 59), (77, 214, 158), (255, 120, 150), (214, 222, 90), (170, 150, 255))

Dashes = str | tuple[int, tuple[float, ...]]
MARKS: tuple[tuple[Dashes, str], ...] = (("-", "o"), ((0, (5, 2)), "s"), ((0, (1.5, 1.5)), "^"))
HATCHES = (None, "////", "....")

_VARIABLE = {light: f"var(--{name})" for name, (light, _) in TOKENS.items()}


def run_colour(index: int) -> str:
    """The colour of the run at a place in a comparison; a run alone is the first."""
    return list(RUNS.values())[index % len(RUNS)][0]


def run_marks(index: int) -> tuple[Dashes, str]:
    """Line style and marker of a run: past the fourth, colours come again and these tell them apart."""
    return MARKS[index // len(RUNS) % len(MARKS)]


def phase_colour(index: int) -> str:
    """The colour of a phase, by the order in which the names of phases first appear."""
    return list(PHASES.values())[index % len(PHASES)][0]


def phase_hatch(index: int) -> str | None:
    """The hatching of a phase whose colour comes again, past the fourth."""
    return HATCHES[index // len(PHASES) % len(HATCHES)]


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
