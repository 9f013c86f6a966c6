"""Missing uses: why a W&B run can't use an artifact that another one should have logged."""

from __future__ import annotations

from mfwb.planning.plan import InputArtifact

__all__ = ["explain_missing_in_bundle", "explain_missing_online"]


def explain_missing_online(used: InputArtifact) -> str:
    """Return why a W&B run can't use an artifact on a server."""
    if used.place:
        return f"{used.producer_name} has not logged it in W&B; sync that first"
    return f"{used.producer_name} could not log it"


def explain_missing_in_bundle(used: InputArtifact, own_project: str) -> str:
    """Return why a W&B run can't use an artifact in a bundle.

    Args:
        used: the artifact.
        own_project: `entity/project` of the W&B run.
    """
    if not used.place:
        return f"{used.producer_name} could not log it"
    if used.place == own_project:
        return f"{used.producer_name} is not in this bundle; sync it into the bundle first"
    return (
        f"{used.producer_name} is in another W&B project, {used.place}, and offline a W&B run "
        "can't use artifacts of another one"
    )
