"""Lines of text: images with what they say, from a folder or rendered here."""
