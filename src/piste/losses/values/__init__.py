"""Real numbers against real numbers."""
