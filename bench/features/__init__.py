"""The cost of what people look at in W&B, beside a sync without it."""
