"""Images of any size through a network that has room for some pixels at a time."""

import torch
from torch import Tensor, nn

SIDE = 512
MARGIN = 64


def in_tiles(model: nn.Module, images: Tensor, scale: int, side: int = SIDE, margin: int = MARGIN) -> Tensor:
    """What a network makes of images, tile by tile, so that memory does not grow with their size.

    Tiles overlap by a margin, of which nothing is kept, so that no seam shows where the network sees no farther.

    Args:
        model: from images [N, 3, H, W] to [N, 3, scale * H, scale * W].
        images: [N, 3, H, W].
        scale: how many times larger the answer is.
        side: pixels of a tile, in a row and a column; smaller images are taken whole.
        margin: pixels around it that the network sees, too.
    """
    height, width = images.shape[-2:]
    if height <= side + 2 * margin and width <= side + 2 * margin:
        whole: Tensor = model(images).float()
        return whole
    answer = torch.empty(*images.shape[:2], height * scale, width * scale, device=images.device)
    for top in range(0, height, side):
        for left in range(0, width, side):
            first, begin = max(top - margin, 0), max(left - margin, 0)
            bottom, right = min(top + side, height), min(left + side, width)
            seen = model(images[..., first : bottom + margin, begin : right + margin]).float()
            kept = seen[..., (top - first) * scale :, (left - begin) * scale :]
            kept = kept[..., : (bottom - top) * scale, : (right - left) * scale]
            answer[..., top * scale : bottom * scale, left * scale : right * scale] = kept
    return answer
