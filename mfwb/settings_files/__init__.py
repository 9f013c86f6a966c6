"""Settings files, and which of them mfwb may use: a folder may come from a stranger."""

from mfwb.settings_files.discovery import (
    SettingsFile,
    current_folder,
    find_file,
    find_users_file,
    read_named_file,
)
from mfwb.settings_files.metaflow_config import find_metaflow_file
from mfwb.settings_files.refusal import printable, refusal_reason, refuse_unless_trusted
from mfwb.settings_files.trusted_files import Trust, load_trust
from mfwb.settings_files.wandb_settings import find_wandb_file

__all__ = [
    "SettingsFile",
    "Trust",
    "current_folder",
    "find_file",
    "find_metaflow_file",
    "find_users_file",
    "find_wandb_file",
    "load_trust",
    "printable",
    "read_named_file",
    "refusal_reason",
    "refuse_unless_trusted",
]
