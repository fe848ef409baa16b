"""Networks that read lines of text: columns of an image, then what follows from their neighbours."""
