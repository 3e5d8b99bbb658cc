"""Measurements that a person can repeat; no test asserts what they show."""
