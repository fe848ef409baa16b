"""The losses of pytorch-toolbelt, whose import warns of what torch deprecates."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pytorch_toolbelt.losses import *  # noqa: F403
