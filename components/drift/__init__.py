"""How served texts and suggestions differ from those that the model is known to be good at."""
