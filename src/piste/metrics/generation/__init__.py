"""How generated samples compare with real ones."""
