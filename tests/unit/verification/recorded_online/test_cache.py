"""What several flow runs of one W&B project share."""

from __future__ import annotations

from mfwb.verification.recorded import RecordedFile
from mfwb.verification.recorded_online.cache import ProjectCache


def test_manifests_are_kept_up_to_a_bound() -> None:
    """The newest stay; what was dropped is loaded again by whoever needs it."""
    cache = ProjectCache()
    files = {str(number): RecordedFile(str(number), 1, None) for number in range(999)}
    for number in range(100):
        cache.keep({str(number): files})

    kept = [number for number in range(100) if cache.manifest(str(number)) is not None]
    assert cache.manifest("99") == files
    assert 1 < len(kept) < 25
