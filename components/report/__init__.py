"""Report: a page on how good a model is, where it fails and what it was trained on."""
