"""DataCheck: stops a run whose data doesn't match the curated schema."""
