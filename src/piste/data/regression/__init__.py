"""Images with numbers, from a CSV file."""
