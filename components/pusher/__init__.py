"""Pusher: makes a blessed model a served version, completely or not at all."""
