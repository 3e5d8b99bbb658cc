"""The tuner: trials of Trainer's own training with other settings."""
