"""What a person would use instead of the model, scored on the same test papers."""
