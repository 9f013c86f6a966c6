"""W&B runs on a server."""
