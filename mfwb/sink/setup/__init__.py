"""How W&B's SDK is set up before it does anything."""
