"""A flow with metaflow-checkpoint, run in a venv of its own and synced without the package."""
