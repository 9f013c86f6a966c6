"""What W&B says, compared value by value with what Metaflow's client says.

    python -m tests.compared FOLDER [--sample]

Flow runs are made, synced in four ways (a W&B run for each step or for each task; online, or
offline and pushed), and read back by `wandb.Api`. What W&B should say is worked out anew here,
slowly and plainly, from what Metaflow's client says and from what the tasks recorded of themselves
(`tests.support.truth`). Nothing here imports mfwb, which is only run, as a command.
"""
