"""What an audit found, as one HTML file and as a table for other tools."""

from brainleaks_pl.audit.report.html import FORMAT, render_report, write_html
from brainleaks_pl.audit.report.table import write_csv

__all__ = ["FORMAT", "render_report", "write_csv", "write_html"]
