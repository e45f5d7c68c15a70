"""The charts of the report, one file each; a new file is a new chart."""
