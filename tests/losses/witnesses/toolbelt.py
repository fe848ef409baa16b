"""The losses of pytorch-toolbelt, whose import warns of what torch deprecates."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pytorch_toolbelt.losses import *  # noqa: F403
    from pytorch_toolbelt.losses.bitempered_loss import bi_tempered_logistic_loss  # noqa: F401
