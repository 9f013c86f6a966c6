"""Where W&B runs go: mode, server or bundle, entity and project. wandb is not imported here."""

from mfwb.destination.resolve import (
    Destinations,
    bundle_of,
    entity_and_project,
    given_mode,
    mode_to_write,
    named_destinations,
    project_of,
)
from mfwb.destination.wandb_defaults import WandbDefaults, read_defaults

__all__ = [
    "Destinations",
    "WandbDefaults",
    "bundle_of",
    "entity_and_project",
    "given_mode",
    "mode_to_write",
    "named_destinations",
    "project_of",
    "read_defaults",
]
