"""One loaded SavedModel: its signatures, and how requests run on it."""
