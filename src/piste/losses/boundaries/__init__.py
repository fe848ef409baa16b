"""Losses over where an area ends: its outline, its skeleton, its edges."""
