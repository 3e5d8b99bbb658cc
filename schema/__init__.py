"""Names, errors and base types that every other room shares; imports nothing of ours."""
