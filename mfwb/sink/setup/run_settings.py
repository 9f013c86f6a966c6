"""`wandb.Settings` for one W&B run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import wandb
from pydantic import TypeAdapter, ValidationError
from wandb.errors import UsageError as WandbUsageError

from mfwb.config import Settings
from mfwb.errors import UsageError
from mfwb.settings_files.value_errors import describe_expectation, setting_path
from mfwb.sink.setup.settings_tables import wandb_settings_tables

__all__ = ["check_wandb_settings", "run_settings"]


def run_settings(given: Mapping[str, Any], required: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings for `wandb.init`, as a dict, which it validates only once.

    Values that equal the process's own settings are left out, since W&B takes time for each
    one. Fields of `required` that this version of W&B does not know are left out, too.

    Args:
        given: the user's `[settings]`, which `required` overrides.
        required: the fields that the sync sets.
    """
    defaults = dict(wandb.setup().settings)
    merged = {**given, **{name: value for name, value in required.items() if name in defaults}}
    return {name: value for name, value in merged.items() if defaults.get(name) != value}


def check_wandb_settings(settings: Settings) -> None:
    """Raise UsageError for values that `wandb.Settings` refuses, before anything is written."""
    for table, fields in wandb_settings_tables(settings):
        invalid = _find_invalid_field(fields)
        if invalid is not None:
            field, expected = invalid
            origin = settings.origin_of(table, field.partition(".")[0])
            prefix = f"{origin}: " if origin else ""
            raise UsageError(f"{prefix}[{table}] {field}: {expected} (a field of wandb.Settings)")


def _find_invalid_field(fields: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the first invalid field, and what is expected; None if all are valid.

    Each field is checked alone if W&B's error names none. A value is not shown: it may be a
    key.
    """
    try:
        wandb.Settings(**fields)
    except ValidationError as error:
        errors = error.errors()
        name = str(errors[0]["loc"][0]) if errors[0]["loc"] else None
        if name is not None:
            field_errors = [error for error in errors if error["loc"][:1] == (name,)]
            return setting_path(field_errors[0]["loc"], fields.get(name)), _expected(
                name, fields, field_errors
            )
        message = describe_expectation(errors)
    except (WandbUsageError, ValueError, TypeError) as error:  # the last: `run_tags = 5`
        message = str(error)
    else:
        return None
    if len(fields) > 1:
        alone = (_find_invalid_field({name: value}) for name, value in fields.items())
        return next(filter(None, alone), (", ".join(fields), message))
    [name] = fields
    return name, _expected_by_type(name, fields[name]) or message


def _expected(name: str, fields: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> str:
    """Return what is expected of a field: an error of the field's own check does not contain it."""
    is_own = errors[0]["type"] == "value_error"
    return (_expected_by_type(name, fields[name]) if is_own else None) or describe_expectation(
        errors
    )


def _expected_by_type(name: str, value: Any) -> str | None:
    """Return what the type of a field expects instead of a value; None if the value fits."""
    type_: Any = wandb.Settings.model_fields[name].annotation
    try:
        TypeAdapter(type_).validate_python(value)
    except ValidationError as error:
        return describe_expectation(error.errors())
    return None
