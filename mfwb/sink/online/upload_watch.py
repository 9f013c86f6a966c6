"""Watch of large uploads: how many bytes wandb-core has sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import wandb

from mfwb.ports import Progress
from mfwb.sink.client.private import uploaded_bytes

__all__ = ["LARGE", "UploadWatch"]

LARGE = 8_000_000
"""Bytes from which on the upload of a W&B run is watched; smaller ones take no time."""

_PAUSE = 0.5  # seconds between two questions to wandb-core


class UploadWatch:
    """Notifies of the bytes that are sent while large uploads are in progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @contextmanager
    def watch(self, open_run: wandb.Run, name: str, size: int) -> Iterator[None]:
        """Watch the uploads of an open W&B run meanwhile.

        Args:
            open_run: the open W&B run.
            name: its name in the plan.
            size: the bytes that may have to be uploaded.
        """
        if size < LARGE:
            yield
            return
        done = threading.Event()
        # It is not awaited: wandb-core may have ended, and answers late then.
        threading.Thread(
            target=self._notify, args=(open_run, name, done), name="mfwb-upload-watch", daemon=True
        ).start()
        try:
            yield
        finally:
            done.set()

    def _notify(self, open_run: wandb.Run, name: str, done: threading.Event) -> None:
        while not done.wait(_PAUSE):
            numbers = uploaded_bytes(open_run)
            if numbers is None or done.is_set():
                return
            self._progress.uploading(name, *numbers)
