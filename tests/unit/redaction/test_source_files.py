"""Secrets in files of code: what is masked, and what stays byte for byte."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from mfwb.redaction import LARGEST_SOURCE, Masker

_KEY = "b7Qx" + "29fLmZ81sKd0"
_TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def masked(text: str, name: str = "flow.py") -> str:
    """Return a file as W&B gets it."""
    return Masker().mask_source(name, text.encode()).decode()


@pytest.mark.parametrize(
    "line",
    [
        'API_KEY = "SECRET"',
        'self.api_key: str = "SECRET"',
        "os.environ['WANDB_API_KEY'] = 'SECRET'",
        'connect(host, password="SECRET")',
        'os.getenv("OPENAI_API_KEY", "SECRET")',
        'key = os.environ.get("API_TOKEN") or {"api_token": "SECRET"}',
        'api_token = os.environ.get("API_TOKEN") or "SECRET"',
        'token = Parameter("auth_token", help="a token", default="SECRET")',
        '@environment(vars={"WANDB_API_KEY": "SECRET"})\ndef f(): pass',
        'def connect(host, api_key="SECRET"): pass',
        'def connect(host, *, api_key="SECRET"): pass',
        'if (secret_key := "SECRET"): pass',
        'wandb.login(key="SECRET")',
        'access_tokens = ["SECRET", f(x)]',
        'API_KEY = b"SECRET"',
        'API_KEY = """SECRET"""  # \u00fc\u00e4',
        'x = "\u00e4\u00f6\u00fc\U0001f600"; API_KEY = "SECRET"; y = "\u00e4"',
        'API_KEY = (\n    "SECRET"\n    "SECRET"\n)\nrest = 1',
    ],
)
def test_a_literal_with_the_name_of_a_secret_is_masked(line: str) -> None:
    """Nothing of it is left, all else stays, and what was Python is Python."""
    source = f"import os\r\n{line}\r\nlast = 'kept'\r\n"

    result = masked(source.replace("SECRET", _KEY))

    assert _KEY not in result
    assert "***" in result
    assert result.startswith("import os\r\n")
    assert result.endswith("\r\nlast = 'kept'\r\n")
    ast.parse(result)
    assert masked(result) == result


def test_a_weak_password_is_masked() -> None:
    """A password may be a word; the name of another variable is none."""
    assert masked('db_password = "swordfish"\n') == 'db_password = "***"\n'
    assert masked('PASSWORD = "DB_PASSWORD"\n') == 'PASSWORD = "DB_PASSWORD"\n'


@pytest.mark.parametrize("name", ["flow.py", "notes.md", ".env", "config.yaml"])
def test_forms_are_masked_anywhere(name: str) -> None:
    """Also in comments, in texts and in files that are no Python."""
    assert masked(f"# see {_TOKEN}\n", name) == "# see ***\n"


def test_a_dotenv_file_is_masked() -> None:
    """Files beside the code are masked as a log is."""
    assert masked(f"API_KEY={_KEY}\nDEBUG=1\n", ".env") == "API_KEY=***\nDEBUG=1\n"


def test_python_that_cannot_be_parsed_is_masked_as_text() -> None:
    """A template, or the Python of another version."""
    assert _KEY not in masked(f'print "x"\nAPI_KEY = "{_KEY}"\n')


@pytest.mark.parametrize(
    "line",
    [
        "api_key = os.environ['API_KEY']",
        "token = new_token(password=password)",
        'api_key = f"{prefix}-key"',
        'password_field = "password"',
        'secrets = ["db-credentials", "vault/path"]',
        '("api_key", "some_function_of_mine2")',
        'API_KEY = "<your key>"',
        'API_KEY = ""',
        'parser.add_argument("--api-key", help="the key of version 2 of the API")',
        'sort_key = "a1b2c3d4e5f6g7"',
    ],
)
def test_code_stays_as_it_is(line: str) -> None:
    """Names, calls, settings and prose are no secrets."""
    assert masked(f"{line}\n") == f"{line}\n"


def test_the_standard_library_stays_as_it_is() -> None:
    """Of the modules with the most tokens, passwords and keys in their names, none is touched."""
    names = ("netrc", "getpass", "secrets", "hmac", "tokenize", "smtplib", "ftplib", "imaplib")
    paths = [Path(str(sys.modules[name].__file__)) for name in map(_imported, names)]

    assert [
        path.name for path in paths if masked(path.read_text("utf-8")) != path.read_text("utf-8")
    ] == []


def _imported(name: str) -> str:
    __import__(name)
    return name


def test_what_is_no_text_stays() -> None:
    """Binary files, and files that are too large for code, are not searched."""
    binary = b"\xff\xfe" + _TOKEN.encode()
    large = (_TOKEN + "\n").encode() * (LARGEST_SOURCE // len(_TOKEN) + 1)

    assert Masker().mask_source("x.bin", binary) == binary
    assert Masker().mask_source("x.txt", large) == large
    assert Masker(enabled=False).mask_source("x.txt", _TOKEN.encode()) == _TOKEN.encode()


def test_own_patterns_count() -> None:
    """Patterns of `[redact]` are searched in code, too."""
    assert Masker(patterns=["ACME-[0-9]+"]).mask_source("f.py", b"x = 'ACME-123'") == b"x = '***'"
