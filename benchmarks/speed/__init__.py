"""Speed and memory, compared with the Keras example and other tools."""
