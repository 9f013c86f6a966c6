"""Secrets that a text gives to a name: `api_key=...`, `"password": "..."`, `--token ...`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mfwb.redaction.mark import MASK
from mfwb.redaction.names import NAME_HINTS, is_password_name, is_secret_name
from mfwb.redaction.token_forms import looks_random
from mfwb.redaction.tries import any_of

__all__ = ["SecretNames", "is_innocent", "mask_assigned", "mask_headers"]


@dataclass(frozen=True, slots=True)
class SecretNames:
    """Which names in texts are those of secrets.

    Attributes:
        is_secret: whether a name is one.
        hint: finds a part that each such name has, in a text of small letters.
    """

    is_secret: Callable[[str], bool] = is_secret_name
    hint: re.Pattern[str] = re.compile(any_of(NAME_HINTS))

    @classmethod
    def of(cls, is_secret: Callable[[str], bool], patterns: Iterable[str]) -> SecretNames:
        """Return the names that a function knows, some of them by patterns such as `*_pin`."""
        parts = (max(_LITERAL.findall(pattern), key=len, default="") for pattern in patterns)
        more = [part.lower() for part in parts if part]
        return cls(is_secret, re.compile(any_of([*NAME_HINTS, *more])))


_LITERAL = re.compile(r"[\w\-]+")
_SIGN = re.compile(
    r"[\w\-]{0,40}(?:\\?['\"])?\]?"
    r"(?:\s{0,4}(?P<sign>:=|=>|==?|:)\s{0,4}|(?P<blank>\s{1,4}))(?=\S)"
)
"""What follows the first letters of a name: its rest, and a sign, or blanks as behind `--token`."""

_HEAD = re.compile(r"[\w\-]{0,80}\Z")
_VALUE = re.compile(
    r"(?P<scheme>(?:bearer|basic|token|digest|apikey|negotiate)\s{1,4})?"
    r"(?:[bfru]{0,2}(?P<open>\\?['\"])(?P<quoted>.*?)(?P=open)|(?P<bare>[^\s'\"`,;&)}\]<>|\\]+)"
    r"|\\?['\"](?P<cut>[^\s'\"]+))",
    re.IGNORECASE | re.DOTALL,
)
_ENTRY = re.compile(
    r"(?P<before>['\"](?:name|key)\\?['\"]\s{0,40}:\s{0,40}\\?['\"](?P<name>[\w\-]{1,80})\\?['\"]\s{0,40},"
    r"\s{0,40}\\?['\"]value\\?['\"]\s{0,40}:\s{0,40}(?P<quote>\\?['\"]))"
    r"(?P<value>[^'\"\\\n]{0,1000})(?P=quote)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:bearer|basic|token|digest|apikey|negotiate)\s{1,4}(?=\S)", re.IGNORECASE)
_NETRC = re.compile(r"(\blogin\s{1,4}\S{1,200}\s{1,4}password\s{1,4})([^\s'\")]+)", re.IGNORECASE)
_HEADER = re.compile(r"\b(bearer|basic)(\s{1,4})([A-Za-z0-9+/=_.~\-]{16,})", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z_][\w.]*(?:[(\[].*)?", re.DOTALL)
_NUMBER = re.compile(r"[+\-]?[0-9][0-9_.]*(?:e[+\-]?[0-9]+)?%?", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"<.*>|\$\{?\{?[\w.\s]*\}{0,2}|\{[\w.\s]*\}|\{\{.*\}\}|%\(\w+\)s|%s|x{3,}|\.{3}"
)
_NOTHING = frozenset({"none", "null", "nil", "true", "false", "nan", "undefined", "unset", "empty"})
_OF_CODE = frozenset(
    {"str", "int", "float", "bool", "bytes", "any", "object", "string", "secretstr", "optional"}
    | {"union", "path", "list", "dict", "type", "self", "field", "required", "missing", "invalid"}
    | {"expected", "not", "is", "are", "must", "was", "the", "a", "an", "it", "redacted", "hidden"}
)
_LONGEST_QUOTED = 20_000
_SHORTEST = 3


def mask_assigned(text: str, secret: SecretNames) -> str:
    """Return the text without the values that it gives to names of secrets.

    A name may also be in an entry of its own: `{"name": "API_KEY", "value": "..."}`.

    Args:
        text: a line of a log, or any other text.
        secret: the names of secrets.
    """
    text = _ENTRY.sub(lambda match: _mask_entry(match, secret), text)
    pieces: list[str] = []
    end = 0
    for name, sign, start in _names(text, secret.hint):
        if start < end or not secret.is_secret(name):
            continue
        value = _VALUE.match(text, start, start + _LONGEST_QUOTED)
        if value is None:
            continue
        if _is_kept(text, name, sign, value):
            continue
        first, last = value.span(value.lastgroup or 0)
        scheme = _SCHEME.match(text, first, last)  # in quotes: `"authorization": "Bearer ..."`
        first = scheme.end() if scheme else first
        pieces += [text[end:first], MASK]
        end = last
    return "".join([*pieces, text[end:]]) if pieces else text


def _mask_entry(match: re.Match[str], secret: SecretNames) -> str:
    is_kept = not secret.is_secret(match["name"]) or is_innocent(match["value"])
    return match[0] if is_kept else f"{match['before']}{MASK}{match['quote']}"


def mask_headers(text: str) -> str:
    """Return the text without the credentials of HTTP's headers and of netrc."""
    lower = text.lower()
    if "login" in lower:
        text = _NETRC.sub(rf"\1{MASK}", text)
    if "bearer" in lower or "basic" in lower:
        text = _HEADER.sub(_without_credential, text)
    return text


def _without_credential(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{MASK}" if looks_random(match[3]) else match[0]


def is_innocent(text: str) -> bool:
    """Whether a text is no secret, whatever its name: nothing, a mask, or a variable to fill in."""
    bare = text.strip()
    return (
        not bare
        or not bare.strip("*")
        or bare.lower() in _NOTHING
        or _PLACEHOLDER.fullmatch(bare) is not None
    )


def _names(text: str, hints: re.Pattern[str]) -> Iterator[tuple[str, str, int]]:
    """Yield each name that may be of a secret, its sign, and where the value begins."""
    lower = text.lower()
    if len(lower) != len(text):  # some letters have two small ones
        lower = "".join(letter.lower() if letter.isascii() else letter for letter in text)
    for hint in hints.finditer(lower):
        match = _SIGN.match(text, hint.end())
        if match is None:
            continue
        begin = hint.start()
        before = _HEAD.search(text[max(0, begin - 80) : begin])
        head = before[0] if before else ""
        sign = match["sign"] or ""
        if not sign and not head.startswith("-"):
            continue  # blanks end a name only behind an option
        end = match.start("sign") if sign else match.end()
        name = head + text[begin:end].strip("\\'\"] \t\n")
        yield name.strip("-"), sign, match.end()


def _is_kept(text: str, name: str, sign: str, value: re.Match[str]) -> bool:
    """Whether a value stays: a number, a variable to fill in, a line of code, or prose."""
    bare = value["bare"]
    if bare is None:
        return is_innocent(value["quoted"] or value["cut"] or "")
    if is_innocent(bare):
        return True
    if value["scheme"]:
        return False
    if _NUMBER.fullmatch(bare) and not is_password_name(name):
        return True
    is_short = len(bare) < _SHORTEST or bare.lower() in _OF_CODE
    is_folder = name.lower() in {"pwd", "oldpwd"} and bare.startswith(("/", "~"))
    if is_short or is_folder or bare.startswith(("-", "$", "{", "<", "[", "(")):
        return True
    rest = text[value.end() :].partition("\n")[0]
    return _is_code(bare, name, rest) or (sign == ":" and _is_prose(bare, rest))


def _is_code(bare: str, name: str, rest: str) -> bool:
    """Whether a value is an expression, as in `login(password=password)` or `token = read()`."""
    if not _CODE.fullmatch(bare):
        return False
    if rest[:1] in {"(", "["} or "(" in bare or "[" in bare:
        return True
    if looks_random(bare):
        return False
    last = bare.rpartition(".")[2].lower()
    return "." in bare or last in name.lower() or name.lower() in last


def _is_prose(bare: str, rest: str) -> bool:
    """Whether a word goes on as a sentence does: a setting of YAML or of a header ends its line."""
    return bare.isalpha() and (bare.islower() or bare.istitle()) and bool(rest.strip())
