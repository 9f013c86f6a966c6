"""Diagnosis: checks of both ends and of this machine, for `mfwb doctor`. It writes nothing."""

from mfwb.diagnosis.check import Check, CheckStatus, Diagnosis
from mfwb.diagnosis.diagnose import diagnose

__all__ = ["Check", "CheckStatus", "Diagnosis", "diagnose"]
