"""Passwords of commands, whose options have no name of a secret."""

from __future__ import annotations

import pytest

from mfwb.redaction import MASK
from mfwb.redaction.texts import mask_text, may_have_secret
from tests.support.secret_kinds import letters

SECRET = letters("command", 24)
KEY = letters("command", 40, "0123456789abcdef")


@pytest.mark.parametrize(
    "command",
    [
        f"curl -u bob:{SECRET} https://x.example",
        f"curl -s --user 'bob:{SECRET}' https://x.example",
        f"mysqldump -uroot -p{SECRET} prod",
        f"docker login -u bob -p {SECRET} registry.example",
        f"sshpass -p '{SECRET}' ssh host",
    ],
)
def test_masked(command: str) -> None:
    """The password is masked, and nothing beside it."""
    assert mask_text(command) == command.replace(SECRET, MASK)
    assert may_have_secret(command)


def test_login_of_wandb() -> None:
    """W&B's older keys have no form, and are recognized behind its command."""
    assert mask_text(f"wandb login --relogin {KEY}") == f"wandb login --relogin {MASK}"


@pytest.mark.parametrize(
    "command",
    [
        "docker run -u 1000:1000 -p 8080:80 image",
        "ssh -p 2222 host",
        "git commit -p file",
        "curl https://x.example",
        "wandb login",
        "mysql -u root -p",
    ],
)
def test_innocent(command: str) -> None:
    """Ports, groups and files are none."""
    assert mask_text(command) == command
