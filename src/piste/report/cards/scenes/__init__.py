"""How a loss is shown at work, by its family and how it is called: one table, and no other place knows it."""

from collections.abc import Mapping

from piste.losses import LossSpec
from piste.report.cards.scenes import (
    anchors,
    boxes,
    critics,
    edges,
    images,
    labels,
    lines,
    mining,
    players,
    regions,
    scored,
    shapes,
    values,
    vessels,
)
from piste.report.cards.scenes.axes import Axes, Scene, Trace

SCENES: Mapping[tuple[str, str], Scene] = {
    ("labels", "elements"): labels.scene,
    ("regions", "elements"): regions.scene,
    ("values", "elements"): values.scene,
    ("boundaries", "spatial"): shapes.elements,
    ("boundaries", "maps"): shapes.maps,
    ("boundaries", "guided"): edges.scene,
    ("boxes", "boxes"): boxes.scene,
    ("boxes", "scored"): scored.scene,
    ("boxes", "anchors"): anchors.scene,
    ("sequences", "lines"): lines.scene,
    ("adversarial", "players"): players.scene,
    ("adversarial", "penalties"): critics.scene,
    ("features", "images"): images.scene,
}
NAMED: Mapping[str, Scene] = {"hard_mining": mining.scene, "cl_dice": vessels.scene}
"""Losses that show something else than their family: what they do is invisible on one element, or on a disc."""

__all__ = ["NAMED", "SCENES", "Axes", "Scene", "Trace", "scene_of"]


def scene_of(spec: LossSpec) -> Scene | None:
    """The scene in which a loss is shown; None where no picture says more than the words."""
    return NAMED.get(spec.name) or SCENES.get((spec.family, spec.call))
