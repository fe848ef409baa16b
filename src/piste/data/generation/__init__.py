"""What generators learn to imitate: images of any kind, or points of a known mixture."""
