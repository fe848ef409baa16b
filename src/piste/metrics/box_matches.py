r"""Which predicted boxes hit which true ones: greedily by score, as COCO does, at one overlap.

A prediction, the highest score first, takes the true object of its class that it overlaps most, among those that no
other has taken, where \(|P \cap T| / |P \cup T| \ge\) `min_iou`. One that finds none but lies on a crowd
(\(|P \cap T| / |P|\ge\) `min_iou`) counts for nothing. A prediction with a lower score can't change what one with a
higher score took, so that the matches of all predictions hold at every threshold of scores.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

FALSE_ALARM = -1
NOTHING = -2


class Matches(NamedTuple):
    """What the predictions of an image hit.

    Args:
        truth: int64 [n], for each prediction the index of the true object that it hit; -1 for a false alarm, -2 for
            one that counts for nothing.
        hit: bool [m], the true objects that were hit.
    """

    truth: NDArray[np.int64]
    hit: NDArray[np.bool_]


def match(
    prediction: Mapping[str, Tensor], target: Mapping[str, Tensor], *, min_score: float = 0.0, min_iou: float = 0.5
) -> Matches:
    """The matches of one image.

    Args:
        prediction: boxes [n, 4], left, top, right, bottom; scores [n]; labels [n].
        target: boxes [m, 4]; labels [m]; crowd bool [m], where some objects count for nothing.
        min_score: predictions below it count for nothing.
        min_iou: overlap from which a prediction hits, in (0, 1].
    """
    crowd = target["crowd"] if "crowd" in target else target["labels"] < 0
    said, is_so = _table(prediction, "scores"), _table({**target, "crowd": crowd}, "crowd")
    matches = match_tables(said, is_so, min_iou)
    low = said[:, 1] < min_score
    lost = matches.truth[low]
    hit = matches.hit.copy()
    hit[lost[lost >= 0]] = False
    return Matches(np.where(low, NOTHING, matches.truth), hit)


def match_tables(said: NDArray[np.float64], is_so: NDArray[np.float64], min_iou: float) -> Matches:
    """The matches of one image, from tables.

    Args:
        said: [n, 6]: label, score, left, top, right, bottom.
        is_so: [m, 6]: label, whether it is a crowd, left, top, right, bottom.
        min_iou: overlap from which a prediction hits.
    """
    truth = np.full(len(said), FALSE_ALARM, dtype=np.int64)
    free = is_so[:, 1] == 0
    hit = np.zeros(len(is_so), dtype=np.bool_)
    if len(said) and len(is_so):
        shared = _shared(said[:, 2:], is_so[:, 2:])
        same = said[:, :1] == is_so[None, :, 0]
        own = _area(said[:, 2:])[:, None]
        iou = np.where(same, shared / np.maximum(own + _area(is_so[:, 2:]) - shared, 1e-12), 0.0)
        inside = np.where(same & ~free, shared / np.maximum(own, 1e-12), 0.0).max(1) >= min_iou
        for place in np.argsort(-said[:, 1], kind="stable"):
            open_to_it = np.where(free, iou[place], 0.0)
            best = int(open_to_it.argmax())
            if open_to_it[best] >= min_iou:
                truth[place], free[best], hit[best] = best, False, True
            elif inside[place]:
                truth[place] = NOTHING
    return Matches(truth, hit)


def _table(objects: Mapping[str, Tensor], second: str) -> NDArray[np.float64]:
    columns = (objects["labels"][:, None], objects[second][:, None], objects["boxes"])
    return np.concatenate([column.detach().double().cpu().numpy() for column in columns], axis=1)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    area: NDArray[np.float64] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area


def _shared(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    sides = np.maximum(high - low, 0.0)
    product: NDArray[np.float64] = sides[..., 0] * sides[..., 1]
    return product
