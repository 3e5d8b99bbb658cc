"""Multi-label metrics on plain arrays, as scikit-learn defines them."""
