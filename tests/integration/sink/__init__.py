"""Contracts with wandb."""
