"""Every loss of the catalogue against what torch has, and against other people's losses: time and memory.

`rows/` says what is compared, `session.py` how it is measured, `verdict.py` what is asked of it; `table.py` and
`plot.py` show it.
"""
