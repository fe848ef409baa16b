"""Boxes of objects in images: COCO, Pascal VOC and YOLO files, verified, split and shown to a model."""

from piste.data.detection.data import DetectionData, check_detection, open_detection
from piste.data.detection.recipe import DetectionDataRecipe

__all__ = ["DetectionData", "DetectionDataRecipe", "check_detection", "open_detection"]
