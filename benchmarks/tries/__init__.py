"""Tries to better the default profile, on validation papers alone."""
