"""What people look at: the page of a run, the page of several side by side, tables, and the cards of losses."""
