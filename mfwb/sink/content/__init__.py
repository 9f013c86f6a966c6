"""The content of one W&B run, in both modes."""
