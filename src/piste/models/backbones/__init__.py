"""Networks that map an image to a few numbers: timm's, and a small one of ours."""
