"""The pictures of the report: one file each, drawn twice, for light and for dark pages."""
