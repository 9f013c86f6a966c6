"""What a W&B server has, and changing it in place."""
