"""The way to W&B: one wandb-core for a call, its answers, and what of wandb is private."""
