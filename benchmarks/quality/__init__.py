"""How good the model can be: the study behind the settings of the default profile."""
