"""`wandb sync` in a child process."""
