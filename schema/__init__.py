"""Names, errors, settings, text and tables: what every other package imports."""
