"""A loss's card: what it is, what its knobs buy, why to trust it, what it costs; for the terminal and for the docs.

Everything is read from the catalogue, from docstrings and from what was measured, or comes of calling the loss.
"""

from piste.report.cards.overview import overview
from piste.report.cards.terminal import Card

__all__ = ["Card", "overview"]
