"""InfraValidator: blesses a candidate that a real server loads and answers with correctly."""
