"""How a loss is shown at work, by its family and how it is called: one table, and no other place knows it."""

from collections.abc import Mapping

from piste.losses import LossSpec
from piste.report.cards.scenes import boxes, images, labels, lines, players, regions, shapes, values
from piste.report.cards.scenes.axes import Axes, Scene, Trace

SCENES: Mapping[tuple[str, str], Scene] = {
    ("labels", "elements"): labels.scene,
    ("regions", "elements"): regions.scene,
    ("values", "elements"): values.scene,
    ("boundaries", "spatial"): shapes.elements,
    ("boundaries", "maps"): shapes.maps,
    ("boxes", "boxes"): boxes.scene,
    ("sequences", "lines"): lines.scene,
    ("adversarial", "players"): players.scene,
    ("features", "images"): images.scene,
}

__all__ = ["SCENES", "Axes", "Scene", "Trace", "scene_of"]


def scene_of(spec: LossSpec) -> Scene | None:
    """The scene in which a loss is shown; None where no picture says more than the words."""
    return SCENES.get((spec.family, spec.call))
