"""Predicted and true objects of many images as rows, which add up over batches and processes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric

COLUMNS = {"images": 4, "said": 7, "is_so": 8}


class ImageRows(NamedTuple):
    """One image.

    Args:
        size: height and width; zero where no masks are kept.
        said: float64 [n, 6], a row a prediction: label, score, left, top, right, bottom.
        is_so: float64 [m, 6], a row a true object: label, whether it is a crowd, left, top, right, bottom.
        area: float64 [m], of the true objects.
        said_masks: n run lengths in COCO's text, or none.
        is_so_masks: m of them, or none.
    """

    size: tuple[int, int]
    said: NDArray[np.float64]
    is_so: NDArray[np.float64]
    area: NDArray[np.float64]
    said_masks: Sequence[bytes]
    is_so_masks: Sequence[bytes]


class BoxRows(Metric):
    """What was predicted and what is true, image by image; torchmetrics gathers it from the processes when it is read.

    Args:
        masks: whether masks are kept, too.
    """

    full_state_update = False

    def __init__(self, masks: bool) -> None:
        super().__init__()
        self.masks = masks
        for name in (*COLUMNS, "said_text", "is_so_text"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, predictions: Sequence[Mapping[str, Tensor]], targets: Sequence[Mapping[str, Tensor]]) -> None:
        """Add a batch."""
        for prediction, target in zip(predictions, targets, strict=True):
            boxes, labels = target["boxes"], target["labels"]
            crowd = target.get("crowd", torch.zeros_like(labels))
            area = target.get("area", (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
            said_lengths, is_so_lengths = torch.zeros_like(prediction["scores"]), torch.zeros_like(area)
            height = width = 0
            if self.masks:
                truths = target["masks"]
                height, width = truths.shape[-2:]
                said_lengths = self._keep("said_text", prediction["masks"].reshape(-1, height, width))
                is_so_lengths = self._keep("is_so_text", truths)
            self._add("images", torch.tensor([[len(prediction["scores"]), len(labels), height, width]]))
            self._add("said", prediction["labels"], prediction["scores"], prediction["boxes"], said_lengths)
            self._add("is_so", labels, crowd, boxes, area, is_so_lengths)

    def compute(self) -> dict[str, Tensor]:
        """The rows of this process, or of all of them where torchmetrics has just gathered them."""
        states = {name: getattr(self, name) for name in (*COLUMNS, "said_text", "is_so_text")}
        return {name: torch.cat(rows) if isinstance(rows, list) else rows for name, rows in states.items()}

    def gathered(self) -> list[ImageRows]:
        """All images of all processes."""
        if not self.update_called:
            self.update([], [])
        for name, columns in COLUMNS.items():
            if not getattr(self, name):  # a process that has seen nothing has rows of the right shape all the same
                getattr(self, name).append(torch.zeros(0, columns, dtype=torch.float64, device=self.device))
        for name in ("said_text", "is_so_text"):
            if not getattr(self, name):
                getattr(self, name).append(torch.zeros(0, dtype=torch.uint8, device=self.device))
        tables = {name: rows.cpu().numpy() for name, rows in self.compute().items()}
        images = tables["images"].reshape(-1, COLUMNS["images"]).astype(np.int64)
        said = np.split(tables["said"].reshape(-1, COLUMNS["said"]), np.cumsum(images[:, 0])[:-1])
        is_so = np.split(tables["is_so"].reshape(-1, COLUMNS["is_so"]), np.cumsum(images[:, 1])[:-1])
        said_text, is_so_text = (_texts(tables[f"{name}_text"], tables[name]) for name in ("said", "is_so"))
        rows, said_at, is_so_at = [], 0, 0
        for (n, m, height, width), mine, true in zip(images.tolist(), said, is_so, strict=False):
            rows.append(
                ImageRows(
                    (height, width),
                    mine[:, :6],
                    true[:, :6],
                    true[:, 6],
                    said_text[said_at : said_at + n] if self.masks else [],
                    is_so_text[is_so_at : is_so_at + m] if self.masks else [],
                )
            )
            said_at, is_so_at = said_at + n, is_so_at + m
        return rows

    def _add(self, name: str, *columns: Tensor) -> None:
        parts = [column.detach().to(self.device).double() for column in columns]
        getattr(self, name).append(torch.cat([part if part.ndim == 2 else part[:, None] for part in parts], 1))

    def _keep(self, name: str, masks: Tensor) -> Tensor:
        """The lengths of the masks' texts, which are kept one after the other."""
        from faster_coco_eval.core import mask as coco

        solid = (masks.detach() > 0.5).cpu().numpy().astype(np.uint8)
        texts = [coco.encode(np.asfortranarray(mask))["counts"] for mask in solid]
        joined = torch.frombuffer(bytearray(b"".join(texts)), dtype=torch.uint8) if texts else torch.zeros(0).byte()
        getattr(self, name).append(joined.to(self.device))
        return torch.tensor([len(text) for text in texts], dtype=torch.float64)


def _texts(joined: NDArray[np.uint8], table: NDArray[np.float64]) -> list[bytes]:
    ends = np.cumsum(table[:, -1].astype(np.int64)).tolist()
    whole = joined.tobytes()
    return [whole[start:end] for start, end in zip([0, *ends], ends, strict=False)]
