"""Files that decide what mfwb does, and which of them may: a folder may come from a stranger."""

from mfwb.settings_files.discovery import (
    SettingsFile,
    current_folder,
    find_file,
    named_file,
    users_file,
)
from mfwb.settings_files.metaflow_config import find_metaflow_file
from mfwb.settings_files.refusal import doubts, printable, refuse_unless_trusted
from mfwb.settings_files.trusted_files import Trust, users_trust
from mfwb.settings_files.wandb_settings import find_wandb_file

__all__ = [
    "SettingsFile",
    "Trust",
    "current_folder",
    "doubts",
    "find_file",
    "find_metaflow_file",
    "find_wandb_file",
    "named_file",
    "printable",
    "refuse_unless_trusted",
    "users_file",
    "users_trust",
]
