"""A score per class against a label."""
