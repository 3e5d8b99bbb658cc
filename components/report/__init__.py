"""Report: one page that says how good a model is, where it fails, and what it learned from."""
