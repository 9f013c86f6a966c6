"""Secrets never reach a log, in whatever form a message has them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.config import load_settings
from mfwb.crash_log.log import write_bug_log
from mfwb.crash_log.secrets import known_secrets, redact, redact_values
from mfwb.safe_text import printable

_SECRETS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0*"), min_size=8, max_size=40
).filter(lambda text: len(text.split()) == 1 and text == text.strip() and len({*text}) > 2)


@settings(deadline=None)
@given(secret=_SECRETS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_known_secret_in_any_form(secret: str, before: str, after: str) -> None:
    """As it is, in a repr, in JSON, in a URL: it is gone, and so is what a terminal would show."""
    forms = [secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe="")]
    for form in forms:
        text = redact_values(f"{before}<{form}>{after}", [secret])

        assert secret not in text
        assert f"<{form}>" not in text
        assert printable(secret) not in printable(text) or secret in before + after
        assert quote(secret, safe="") not in text or len(quote(secret, safe="")) < 8


def test_quotes_of_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret with quotes is found before they are quoted once more."""
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("NEW_API_KEY", "it's 'deeply' hidden")

    path = write_bug_log(ValueError("odd"), ["sync", "--x=it's 'deeply' hidden", "two words"])

    assert path is not None
    assert path.read_text(encoding="utf-8").splitlines()[1] == (
        "arguments: sync '--x=***' 'two words'"
    )


@settings(deadline=None, max_examples=30)
@given(secret=_SECRETS)
def test_a_secret_among_the_arguments(
    secret: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Quotes of a shell, and the limit of a line, hide none of it."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MFWB_STATE_DIR", str(folder))
        patch.setenv("NEW_API_KEY", secret)
        path = write_bug_log(ValueError(f"refused {secret!r}"), ["sync", f"--x={secret}"])

    assert path is not None
    log = path.read_text(encoding="utf-8")
    assert secret not in log
    assert shlex.quote(f"--x={secret}") not in log


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Basic YXBpOjAxMjM0NTY3ODk=", "Authorization: Basic ***"),
        ("{'authorization': 'Bearer abcdefghijklmnop.q'}", "{'authorization': 'Bearer ***'}"),
        ("api_key=abcdefgh1234 and more", "api_key=*** and more"),
        ('{"api_key": "abcdefgh1234", "x": 1}', '{"api_key": "***", "x": 1}'),
        ("password: hunter2hunter2", "password: ***"),
        ("wandb_v1_AbCdEf0123456789 is refused", "*** is refused"),
        ("KeyError: 'api_key'", "KeyError: 'api_key'"),
        ("sorted(runs, key=by_generation)", "sorted(runs, key=by_generation)"),
        ("blob 0123456789abcdef0123456789abcdef01234567", None),
        ("a basic mistake in F/1", "a basic mistake in F/1"),
    ],
)
def test_secrets_by_their_form(text: str, shown: str | None) -> None:
    """What is assigned to such a name is starred out; checksums and code stay."""
    assert redact(text) == (text if shown is None else shown)


def test_sources_of_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables, netrc, and the settings files of mfwb, W&B and Metaflow; the rest stays."""
    for name, text in {
        "netrc": "machine h login u account the-account password the-password",
        "wandb-config/settings": "[default]\napi_key = key-of-wandbs-settings\n",
        "metaflow/config.json": '{"METAFLOW_SERVICE_AUTH_KEY": "key-of-metaflow"}',
        "metaflow/config_broken.json": "no json",
        "here/.metaflow/config.json": '{"METAFLOW_AZURE_TOKEN": "token-of-here"}',
        "own.toml": "[settings]\napi_key = 'key-of-mfwb'\nrun_group = 'not-a-secret'\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "wandb-config"))
    monkeypatch.setenv("METAFLOW_HOME", str(tmp_path / "metaflow"))
    monkeypatch.setenv("MY_SECRET", "of-a-variable")
    monkeypatch.setenv("SHORT_KEY", "short")
    monkeypatch.setenv("HARMLESS", "not-a-secret-either")
    monkeypatch.setenv("SOME_PROXY", "http://u:pass-of-proxy@h")
    load_settings({}, file=tmp_path / "own.toml")

    result = known_secrets()

    assert {
        *("the-account", "the-password", "key-of-wandbs-settings", "key-of-metaflow"),
        *("token-of-here", "key-of-mfwb", "of-a-variable", "pass-of-proxy"),
    } <= result
    assert not {"short", "not-a-secret", "not-a-secret-either"} & result
