"""The TFX components: one folder each, pure functions inside, a thin wrapper at the rim."""
