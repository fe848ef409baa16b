"""Networks that make one image of another: a U-Net and a residual network, and a discriminator of patches."""
