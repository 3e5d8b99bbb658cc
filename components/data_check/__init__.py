"""The check that stops a run whose data breaks the curated schema."""
