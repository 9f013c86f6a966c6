"""The stand-in for the W&B server, driven by the real SDK."""
