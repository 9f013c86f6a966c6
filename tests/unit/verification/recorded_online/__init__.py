"""What a W&B server has of a flow run."""
