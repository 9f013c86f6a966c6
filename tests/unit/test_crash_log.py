"""The log of a bug."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfwb import __version__
from mfwb.crash_log import BugLogs, bug_reason, redact, write_bug_log


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("service@https://ann:pass@host:8080/x", "service@https://***@host:8080/x"),
        ("https://host/blob?sig=abc&se=1 was refused", "https://host/blob?*** was refused"),
        ("key 0123456789abcdef0123456789abcdef01234567!", "key ***!"),
        ("nothing to hide: a@b.c", "nothing to hide: a@b.c"),
    ],
)
def test_secrets_are_left_out(text: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users in URLs, signed queries and secrets of the environment are starred out."""
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef0123456789abcdef01234567")
    monkeypatch.setenv("EMPTY_TOKEN", "")

    assert redact(text) == shown


def test_log_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has versions, platform and arguments, the latter without secrets."""
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path))
    path = write_bug_log(ValueError("odd"), ["sync", "--metadata", "service@http://a:b@h"])
    assert path is not None
    lines = path.read_text().splitlines()

    assert path.parent == tmp_path
    assert lines[:2] == [f"mfwb {__version__}", "arguments: sync --metadata service@http://***@h"]
    assert any(line.startswith("wandb ") for line in lines)
    assert any(line.startswith("platform: ") for line in lines)
    assert lines[-1] == "ValueError: odd"


def test_state_folder_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing else is said, the log goes to the user's state folder."""
    monkeypatch.delenv("MFWB_STATE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = write_bug_log(ValueError("odd"), [])

    assert path is not None
    assert tmp_path in path.parents


def test_a_call_writes_few_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bug has a log of its own until there are three; then the last one is named."""
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path))
    bugs = BugLogs()
    reasons = [bugs.reason(KeyError(f"odd {number}")) for number in range(5)]

    logs = sorted(tmp_path.glob("bug-*.log"))
    assert len(logs) == 3
    assert len({reason.partition(" with ")[2] for reason in reasons}) == 3
    assert reasons[4].startswith(
        "this is a bug in mfwb (KeyError: 'odd 4'); report it to the maintainers of mfwb with "
    )
    assert reasons[4].endswith(reasons[2].partition(" with ")[2])


def test_log_of_hostile_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log can be looked at on a terminal, and is no larger than need be."""
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path))
    path = write_bug_log(ValueError("\x1b]0;x\x07\u202e\ud800" + "x" * 10**6), ["\x1b[2J"])
    assert path is not None
    text = path.read_text()

    assert text.replace("\n", "").isprintable()
    assert "ValueError: \\x1b]0;x\\x07\\u202e\\ud800" in text
    assert len(text) < 50_000


def test_where_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release has the address in its metadata; without one, the maintainers are named."""
    without = bug_reason(ValueError("odd"), tmp_path / "a.log")
    installed = tmp_path / "mfwb-9.9.9.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: mfwb\nVersion: 9.9.9\n"
        "Project-URL: Issues, https://tracker.example/mfwb\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    at_address = bug_reason(ValueError("odd"), None)

    assert without.endswith(f"; report it to the maintainers of mfwb with {tmp_path / 'a.log'}")
    assert at_address.endswith(
        "; report it at https://tracker.example/mfwb; no log of it could be written"
    )
