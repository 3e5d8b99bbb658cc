"""Pusher: a blessed model becomes a served version, whole or not at all."""
