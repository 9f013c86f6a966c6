"""Redaction: what looks like a secret is replaced by stars, by its name or by its form.

This is the one home of the rules of what a secret looks like.
"""

from mfwb.redaction.cards import mask_card_file
from mfwb.redaction.log_lines import LogMasker
from mfwb.redaction.masker import RULES_VERSION, Masked, Masker
from mfwb.redaction.names import is_secret_name, may_hold_secret
from mfwb.redaction.patterns import describe_wrong_pattern
from mfwb.redaction.source_files import LARGEST_SOURCE
from mfwb.redaction.texts import MASK, mask_text
from mfwb.redaction.urls import mask_url_users, mask_urls

__all__ = [
    "LARGEST_SOURCE",
    "MASK",
    "RULES_VERSION",
    "LogMasker",
    "Masked",
    "Masker",
    "describe_wrong_pattern",
    "is_secret_name",
    "mask_card_file",
    "mask_text",
    "mask_url_users",
    "mask_urls",
    "may_hold_secret",
]
