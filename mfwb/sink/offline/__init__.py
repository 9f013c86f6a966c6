"""W&B runs as `.wandb` files in a bundle."""
