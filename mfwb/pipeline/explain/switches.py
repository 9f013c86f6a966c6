"""Which setting keeps an artifact out of W&B, and where it was said."""

from __future__ import annotations

from mfwb.config import Settings

__all__ = ["switch_said"]


def switch_said(settings: Settings, flow: str, step: str, switch: str) -> str:
    """Return the words that switched a kind off for a step.

    Args:
        settings: of the call.
        flow: the flow's name.
        step: the step's name.
        switch: datasets, models or others; it is off.
    """
    if switch in settings.explicit:
        return f"--no-{switch} or MFWB_{switch.upper()}"
    table = settings.flow.get(flow)
    own = table.step.get(step) if table else None
    if own and switch in own.model_fields_set:
        return f"{switch} = false in [flow.{flow}.step.{step}]"
    if table and switch in table.model_fields_set:
        return f"{switch} = false in [flow.{flow}]"
    return f"{switch} = false in the settings file"
