"""Images against images: windows, layers of a network, and how rough they are."""
