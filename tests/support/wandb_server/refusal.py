"""What the server says when it will not do what a client asked for."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - a refusal is an answer of the server, not a bug in it
    """An answer with an HTTP status that tells the client that the deed was not done."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
