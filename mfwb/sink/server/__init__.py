"""W&B runs on a server: reading them, claiming them, and updating them in place."""
