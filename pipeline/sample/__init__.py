"""The embedded sample: a seeded generator of papers."""
