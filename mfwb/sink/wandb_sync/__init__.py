"""`wandb sync`, in a process of its own."""
