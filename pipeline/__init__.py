"""Configuration, the one graph, its runners and the command line."""
