"""Images with labels: folders, CSV, IDX and torchvision's data sets, opened by one recipe."""
