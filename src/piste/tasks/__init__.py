"""Tasks: each ties data, model, losses, metrics and pictures together."""
