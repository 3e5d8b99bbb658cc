"""Trainer: the network, its training and the exported SavedModel."""
