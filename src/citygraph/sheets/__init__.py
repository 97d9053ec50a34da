"""Spreadsheets: a table model makes the template, the checker, the importer and the exporter."""
