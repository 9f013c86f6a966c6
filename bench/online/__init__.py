"""How fast flow runs get to a W&B that is far away, against one W&B run after the other."""
