"""The settings of all syncs: rules for the artifacts of one flow, one of them with a link."""

__all__ = ["ALIAS", "FLOW", "LINKED", "REGISTRY", "SETTINGS"]

FLOW = "TablesFlow"
ALIAS = "even"
LINKED = "frame"
REGISTRY = "tables"
SETTINGS = f"""
[flow.{FLOW}.artifact."*"]
aliases = ["{ALIAS}"]
when = "seed % 2 == 0"
metadata = ["seed"]

[flow.{FLOW}.artifact.{LINKED}]
aliases = ["{ALIAS}"]
when = "seed % 2 == 0"
metadata = ["seed"]
link = "wandb-registry-{REGISTRY}/{LINKED}"
"""
