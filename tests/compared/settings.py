"""The settings of all syncs: rules for the artifacts of one flow."""

__all__ = ["ALIAS", "FLOW", "SETTINGS"]

FLOW = "TablesFlow"
ALIAS = "even"
SETTINGS = f"""
[flow.{FLOW}.artifact."*"]
aliases = ["{ALIAS}"]
when = "seed % 2 == 0"
metadata = ["seed"]
"""
