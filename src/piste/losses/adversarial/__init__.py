"""Two players' losses over the scores of a critic."""
