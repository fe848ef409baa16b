"""The `loss:` section of a recipe: checked and written out in full, then built.

    loss: dice                                              a loss
    loss: {dice: {per_image: true}}                         with keywords
    loss: {cross_entropy: {weight: inverse}}                weights from the training set: a method of class_weights,
                                                            {method: inverse, cap: 20}, a list, or a number per class
    loss: {focal: {gamma: {ramp: {from: 0, to: 2, epochs: 10}}}}
    loss: {custom: "my_loss.py:my_loss"}                    a function, module or class of yours
    loss: {sum: [cross_entropy, {dice: {}, scale: 0.5, name: overlap}, {watch: jaccard}]}
    loss: {sequence: [{loss: cross_entropy, epochs: 5}, {loss: dice, lr: 0.1}]}
    loss: {cycle: {times: 3, phases: [{loss: dice, until: recall >= 0.9, at_most: 6}, {loss: jaccard, epochs: 3}]}}

Where a model predicts several parts (boxes and their classes), each has its loss wherever a loss or sum may stand:

    loss: {classification: focal, box: {box_iou: {kind: giou}}}

`scale` takes a number or a ramp. A stage of a sequence or cycle may itself be a sequence or cycle.
"""

from piste.objective.recipe.build import build
from piste.objective.recipe.context import Part
from piste.objective.recipe.resolve import resolve

__all__ = ["Part", "build", "resolve"]
