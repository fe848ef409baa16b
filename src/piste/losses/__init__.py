"""Losses: one contract, one file each, declared where they stand."""

from piste.losses.adversarial.gradient_penalty import GradientPenalty
from piste.losses.adversarial.hinge import Hinge
from piste.losses.adversarial.least_squares import LeastSquares
from piste.losses.adversarial.minimax import Minimax
from piste.losses.adversarial.non_saturating import NonSaturating
from piste.losses.adversarial.wasserstein import Wasserstein
from piste.losses.base import Loss
from piste.losses.boundaries.boundary import Boundary
from piste.losses.boundaries.cl_dice import ClDice
from piste.losses.boundaries.distance import signed_distance
from piste.losses.boundaries.gradient_consistency import GradientConsistency
from piste.losses.boundaries.gradient_difference import GradientDifference
from piste.losses.boundaries.hausdorff import Hausdorff
from piste.losses.boxes.box_iou import BoxIoU
from piste.losses.boxes.box_l1 import BoxL1
from piste.losses.boxes.iou_balanced_classification import IoUBalancedClassification
from piste.losses.boxes.iou_balanced_localization import IoUBalancedLocalization
from piste.losses.boxes.multi_box import MultiBox
from piste.losses.check import check
from piste.losses.features.lpips import LPIPS
from piste.losses.features.multi_scale_ssim import MultiScaleSSIM
from piste.losses.features.perceptual import Perceptual
from piste.losses.features.ssim import SSIM
from piste.losses.features.style import Style
from piste.losses.features.total_variation import TotalVariation
from piste.losses.labels.asymmetric import Asymmetric
from piste.losses.labels.bi_tempered import BiTempered
from piste.losses.labels.binary_cross_entropy import BinaryCrossEntropy
from piste.losses.labels.cross_entropy import CrossEntropy
from piste.losses.labels.focal import Focal
from piste.losses.labels.generalized_cross_entropy import GeneralizedCrossEntropy
from piste.losses.labels.hard_mining import HardMining
from piste.losses.labels.poly import Poly
from piste.losses.labels.quadratic import Quadratic
from piste.losses.labels.quality_focal import QualityFocal
from piste.losses.labels.symmetric_cross_entropy import SymmetricCrossEntropy
from piste.losses.labels.tempered import tempered_sigmoid, tempered_softmax
from piste.losses.labels.varifocal import Varifocal
from piste.losses.regions.cross_entropy_iou import CrossEntropyIoU
from piste.losses.regions.dice import Dice
from piste.losses.regions.focal_tversky import FocalTversky
from piste.losses.regions.generalized_dice import GeneralizedDice
from piste.losses.regions.jaccard import Jaccard
from piste.losses.regions.lovasz import Lovasz
from piste.losses.regions.tversky import Tversky
from piste.losses.sequences.ctc import CTC
from piste.losses.sequences.focal_ctc import FocalCTC
from piste.losses.spec import Between, Case, Choice, LossSpec, catalogue, loss, spec_of
from piste.losses.values.absolute_error import AbsoluteError
from piste.losses.values.charbonnier import Charbonnier
from piste.losses.values.huber import Huber
from piste.losses.values.log_cosh import LogCosh
from piste.losses.values.quantile import Quantile
from piste.losses.values.squared_error import SquaredError

__all__ = [
    "CTC",
    "LPIPS",
    "SSIM",
    "AbsoluteError",
    "Asymmetric",
    "Between",
    "BiTempered",
    "BinaryCrossEntropy",
    "Boundary",
    "BoxIoU",
    "BoxL1",
    "Case",
    "Charbonnier",
    "Choice",
    "ClDice",
    "CrossEntropy",
    "CrossEntropyIoU",
    "Dice",
    "Focal",
    "FocalCTC",
    "FocalTversky",
    "GeneralizedCrossEntropy",
    "GeneralizedDice",
    "GradientConsistency",
    "GradientDifference",
    "GradientPenalty",
    "HardMining",
    "Hausdorff",
    "Hinge",
    "Huber",
    "IoUBalancedClassification",
    "IoUBalancedLocalization",
    "Jaccard",
    "LeastSquares",
    "LogCosh",
    "Loss",
    "LossSpec",
    "Lovasz",
    "Minimax",
    "MultiBox",
    "MultiScaleSSIM",
    "NonSaturating",
    "Perceptual",
    "Poly",
    "Quadratic",
    "QualityFocal",
    "Quantile",
    "SquaredError",
    "Style",
    "SymmetricCrossEntropy",
    "TotalVariation",
    "Tversky",
    "Varifocal",
    "Wasserstein",
    "catalogue",
    "check",
    "loss",
    "signed_distance",
    "spec_of",
    "tempered_sigmoid",
    "tempered_softmax",
]
