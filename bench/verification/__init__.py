"""How long a verification takes beside its sync, and how many requests it sends."""
