"""Detectors: torchvision's architectures, which hand out what losses price instead of losses of their own."""
