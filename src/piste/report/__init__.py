"""What people look at: the page of a run, the page of several side by side, and the table for the terminal."""

from piste.report.comparison import write_comparison
from piste.report.page import write_report
from piste.report.tables import Row, comparison_rows

__all__ = ["Row", "comparison_rows", "write_comparison", "write_report"]
