"""What the flow inherits from."""
