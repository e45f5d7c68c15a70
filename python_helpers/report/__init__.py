"""The report: one page of charts of a published build, and each chart as a picture."""
