"""Labels: the thresholds at which they are suggested."""
