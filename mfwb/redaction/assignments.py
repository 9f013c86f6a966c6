"""Secrets that a text gives to a name: `api_key=...`, `"password": "..."`, `--token ...`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mfwb.redaction.mark import MASK
from mfwb.redaction.names import NAME_HINTS, is_password_name, is_secret_name
from mfwb.redaction.token_forms import looks_random
from mfwb.redaction.tries import any_of

__all__ = ["SecretNames", "is_innocent", "is_random", "mask_assigned", "mask_headers"]


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
_QUOTE = r"(?:\\{0,7}['\"]|&(?:quot|apos|#34|#39|#x27);)"  # the latter in HTML
_SIGN = re.compile(
    rf"[\w\-]{{0,40}}{_QUOTE}?\]?"
    r"(?:(?:\s{0,4}|[ \t]{5,60})(?P<sign>:=|=>|->|={1,3}|:|\uff1a|%3[AaDd])(?:[ \t]{5,60}|\s{0,4})"
    r"|(?P<comma>,\s{1,4})|(?P<tag>>)|(?P<verb>\s{1,4}(?:is|was)\s{1,4})|(?P<blank>\s{1,4}))(?=\S)"
)
"""What follows the first letters of a name: its rest, and a sign, or blanks as behind `--token`.

A sign may be far away, in a column of its own; it may be written as in a URL, or in full width.
"""

_HEAD = re.compile(r"[\w\-]{0,80}\Z")
_WORD_BEFORE = re.compile(r"([A-Za-z]{2,20})[ ]\Z")
_VALUE = re.compile(
    r"(?P<scheme>(?:bearer|basic|token|digest|apikey|negotiate)\s{1,4})?"
    rf"(?:[bfru]{{0,2}}(?P<open>{_QUOTE}|\u201c)(?P<quoted>(?:\\.|[^\\])*?)(?:(?P=open)|\u201d)"
    r"|(?P<bare>[^\s\x1b'\"`,;&)}\]<>|\\]+)|\\{0,7}['\"](?P<cut>[^\s'\"]+))",
    re.IGNORECASE | re.DOTALL,
)
_ENTRY = re.compile(
    r"(?P<before>['\"](?:name|key)\\?['\"]\s{0,40}:\s{0,40}\\?['\"](?P<name>[\w\-]{1,80})\\?['\"]\s{0,40},"
    r"\s{0,40}\\?['\"]value\\?['\"]\s{0,40}:\s{0,40}(?P<quote>\\?['\"]))"
    r"(?P<value>[^'\"\\\n]{0,1000})(?P=quote)",
    re.IGNORECASE,
)
_XML_ENTRY = re.compile(
    r"(?P<before>\b(?:name|key)\s{0,4}=\s{0,4}['\"](?P<name>[\w\-.]{1,80})['\"]\s{1,40}"
    r"value\s{0,4}=\s{0,4}(?P<quote>['\"]))(?P<value>[^'\"\n]{0,1000})(?P=quote)",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"(?P<before>\(['\"](?P<name>[\w\-]{1,80})['\"],\s{0,4}(?P<quote>['\"]))"
    r"(?P<value>[A-Za-z0-9+/=_.~\-]{12,1000})(?P=quote)(?=\))"
)
"""An entry of a table: `<add key="ApiKey" value="..."/>`, or of items: `('API_KEY', '...')`."""

_EXPORT = re.compile(
    r"^(?P<before>(?:export\s|set\s)?(?P<name>[A-Z][A-Z0-9_]{2,80})=)(?P<value>[^\s'\"$]\S{0,1000})$",
    re.MULTILINE,
)
"""A line of a dotenv file or of `env`."""

_CLOSING = {"[": "]", "(": ")", "{": "}"}
_PART = re.compile(
    r"\\{0,7}(?P<quote>['\"])(?P<quoted>(?:\\(?!['\"]).|\\(?=(?P=quote)).(?=\w)|[^\\'\"])*)"
    r"\\{0,7}(?P=quote)(?P<key>\s{0,4}:)?|[\[\](){}]"
)
_WEAK = frozenset({"", "comma", "tag", "verb"})
_LETTERS = re.compile(r"[A-Za-z]")
_SHORTEST_RANDOM = 12
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
_LONGEST_NESTED = 5_000
_TRIES = 10  # lists without an end, after which no further one is looked at
_SHORTEST = 3


def mask_assigned(text: str, secret: SecretNames) -> str:
    """Return the text without the values that it gives to names of secrets.

    A name may also be in an entry of its own: `{"name": "API_KEY", "value": "..."}`.

    Args:
        text: a line of a log, or any other text.
        secret: the names of secrets.
    """
    for entry in (_ENTRY, _XML_ENTRY, _PAIR):
        text = entry.sub(lambda match: _mask_entry(match, secret), text)
    text = _EXPORT.sub(lambda match: _mask_export(match, secret), text)
    pieces: list[str] = []
    end, tries = 0, _TRIES
    for assignment in _assignments(text, secret.hint):
        name, sign, start = assignment.name, assignment.sign, assignment.start
        if start < end or not (
            secret.is_secret(name) or (assignment.longer and secret.is_secret(assignment.longer))
        ):
            continue
        if sign not in _WEAK and text[start] in _CLOSING and tries:
            nested, last = _mask_nested(text, start)
            tries -= last == start
            if nested != text[start:last]:
                pieces += [text[end:start], nested]
                end = last
                continue
        value = _VALUE.match(text, start, start + _LONGEST_QUOTED)
        if value is None:
            continue
        is_weak = sign == "verb" or (sign == "tag" and not is_password_name(name))
        if is_weak or _is_in_braces(text, sign, value):
            is_kept = not is_random(value[0].strip("'\"{"))
        else:
            is_kept = _is_kept(text, name, sign, value)
        if is_kept:
            continue
        first, last = value.span(value.lastgroup or 0)
        scheme = _SCHEME.match(text, first, last)  # in quotes: `"authorization": "Bearer ..."`
        first = scheme.end() if scheme else first
        pieces += [text[end:first], MASK]
        end = last
    return "".join([*pieces, text[end:]]) if pieces else text


def _mask_nested(text: str, start: int) -> tuple[str, int]:
    """Return a list or dict in a text, with masks for the texts in quotes, and where it ends.

    As in `"api_keys": ["...", "..."]`. Keys of dicts stay.
    """
    depth, end = 0, start
    pieces: list[str] = []
    for part in _PART.finditer(text, start, start + _LONGEST_NESTED):
        quoted = part["quoted"]
        if quoted is None:
            depth += 1 if part[0] in _CLOSING else -1
        elif part["key"] is None and len(quoted) >= _SHORTEST and not is_innocent(quoted):
            pieces += [text[end : part.start("quoted")], MASK]
            end = part.end("quoted")
        if not depth:
            break
    else:
        return "", start  # no end: it is something else
    return "".join([*pieces, text[end : part.end()]]), part.end()


def _mask_export(match: re.Match[str], secret: SecretNames) -> str:
    """Return a line of a shell with a mask for all of the value: nothing ends it but a blank."""
    value = match["value"]
    is_kept = not secret.is_secret(match["name"]) or is_innocent(value) or _NUMBER.fullmatch(value)
    if is_kept or match["name"] in {"PWD", "OLDPWD"}:
        return match[0]
    return f"{match['before']}{MASK}"


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


@dataclass(frozen=True, slots=True)
class _Assignment:
    """A name that may be of a secret, and the sign between it and its value.

    Attributes:
        name: the name.
        longer: the name with the word before it, as in `API key: ...`, or nothing.
        sign: between name and value.
        start: where the value begins.
    """

    name: str
    longer: str
    sign: str
    start: int


def _assignments(text: str, hints: re.Pattern[str]) -> Iterator[_Assignment]:
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
        kind = match.lastgroup or ""
        is_option = head.startswith("-")
        first = begin - len(head)
        if kind in {"blank", "comma"} and not is_option:
            continue  # blanks end a name only behind an option
        if kind == "tag" and text[first - 1 : first] != "<":
            continue
        if kind == "comma" and text[match.start("comma") - 1] not in "'\"":
            continue
        if match["sign"] == ":" and text[first - 1 : first] == ":" and not match[0].endswith(" "):
            continue  # `arn:aws:secretsmanager:eu-west-1:1234:secret:prod/db`
        if "\n" in text[match.start(kind) : match.end()] and text[match.end()] not in "'\"[{(":
            continue  # another line, with a name of its own
        word = _WORD_BEFORE.search(text[max(0, first - 21) : first])
        name = (head + text[begin : match.start(kind)].strip("\\'\"] \t\n")).strip("-")
        sign = match["sign"] or ("" if kind == "blank" else kind)
        longer = f"{word[1]}_{name}" if word and not is_option and match["sign"] else ""
        yield _Assignment(name, longer, sign, match.end())


def _is_in_braces(text: str, sign: str, value: re.Match[str]) -> bool:
    """Whether a value is in braces, as in `PWD={...}` of ODBC."""
    return sign == "=" and value[0].startswith("{") and text[value.end() : value.end() + 1] == "}"


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


def is_random(text: str) -> bool:
    """Whether a word is none of prose, with letters and digits in any order."""
    return (
        len(text) >= _SHORTEST_RANDOM
        and sum(map(str.isdigit, text)) > 1
        and _LETTERS.search(text) is not None
    )


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
