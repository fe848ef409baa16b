"""How a loss is shown at work, by family: one table, and no other place knows it."""

from collections.abc import Mapping

from piste.losses import LossSpec
from piste.report.cards.scenes import labels, regions, values
from piste.report.cards.scenes.axes import Axes, Scene, Trace

SCENES: Mapping[str, Scene] = {"labels": labels.scene, "regions": regions.scene, "values": values.scene}

__all__ = ["SCENES", "Axes", "Scene", "Trace", "scene_of"]


def scene_of(spec: LossSpec) -> Scene | None:
    """The scene in which a loss is shown; None where no picture says more than the words."""
    return SCENES.get(spec.family)
