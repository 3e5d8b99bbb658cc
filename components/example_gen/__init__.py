"""ExampleGen: from a file of data to curated train, validation and test examples."""
