"""Evaluator: TFMA metrics on the test split and the gate."""
