"""Losses that take turns in a bare PyTorch loop, on spots that fill 2 % of noisy images."""

import torch
from torch import nn

from piste import Cycle, Phase, class_weights
from piste.losses import CrossEntropy, Jaccard

torch.manual_seed(0)
field = nn.functional.avg_pool2d(torch.randn(160, 1, 32, 32), 5, stride=1, padding=2)
target = (field > field.quantile(0.98)).long().squeeze(1)
images = 5 * field + 0.15 * torch.randn_like(field)
model = nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 2, 5, padding=2))
optimizer = torch.optim.Adam(model.parameters())
weight = class_weights(target[:128].flatten().bincount(), "inverse")
recall_first = Phase(CrossEntropy(weight=weight), until="recall >= 0.95", at_most=6)
objective = Cycle(recall_first, Phase(Jaccard(), epochs=4, lr=0.5), times=2)
while not objective.finished:
    optimizer.param_groups[0]["lr"] = 0.02 * objective.lr_scale
    for batch in torch.randperm(128).split(8):
        optimizer.zero_grad()
        objective(model(images[batch]), target[batch]).backward()
        optimizer.step()
    found, truth = model(images[128:]).argmax(1) == 1, target[128:] == 1
    recall, precision = ((found & truth).sum() / each.sum() for each in (truth, found))
    print(f"{objective.phase.name:>14}  recall {recall:.2f}  precision {precision:.2f}")
    for change in objective.end_epoch({"recall": recall.item()}):
        print(f"{change.from_} -> {change.to}: {change.reason}")
