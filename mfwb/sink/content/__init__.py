"""What one W&B run says, in both modes."""
