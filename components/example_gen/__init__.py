"""ExampleGen: from a CSV file to curated train, validation and test examples."""
