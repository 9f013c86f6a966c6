"""Where W&B runs go."""
