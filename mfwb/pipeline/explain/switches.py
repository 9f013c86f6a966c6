"""The setting that keeps an artifact out of W&B, and where it is set."""

from __future__ import annotations

from mfwb.config import Settings

__all__ = ["describe_switch"]


def describe_switch(settings: Settings, flow: str, step: str, switch: str) -> str:
    """Return the option or the line of a settings file that switches a kind off for a step.

    Args:
        settings: the settings of the call.
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
