"""Speed and memory, beside the Keras example and what else a person would use."""
