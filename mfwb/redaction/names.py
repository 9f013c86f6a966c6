"""Names of secrets: which names of values, settings and variables say that they hold one."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["NAME_HINTS", "is_password_name", "is_secret_name", "may_hold_secret"]

_BROAD = re.compile(
    r"key|token|secret|password|passwd|credential|headers|authorization", re.IGNORECASE
)


def may_hold_secret(name: str) -> bool:
    """Whether a variable or a setting of this machine may hold a secret.

    This is broader than `is_secret_name`: to hide too much of the machine's own settings costs
    nothing, but to mask a value of a flow run destroys it.
    """
    return _BROAD.search(name) is not None


NAME_HINTS = (
    *("key", "token", "secret", "pwd", "pswd", "cred"),
    *("auth", "bearer", "basic", "login", "jwt", "cookie", "_pat", "pass"),
)
"""Each name of a secret has at least one of these parts, in small letters."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PASSWORDS = ("password", "passwd", "passphrase", "passcode", "pwd", "pswd")
_SECRETS = frozenset(
    {"secret", "secrets", "credential", "credentials", "creds", "authorization", "jwt", "bearer"}
    | {"apikey", "apikeys", "secretkey", "accesskey", "privatekey", "authtoken", "accesstoken"}
    | {"apitoken", "bearertoken", "sessiontoken", "refreshtoken", "bottoken"}
)
_QUALIFIED = {
    "key": frozenset(
        {"api", "access", "secret", "private", "auth", "encryption", "decryption", "signing"}
        | {"ssh", "account", "storage", "subscription", "service", "master", "license", "shared"}
        | {"aes", "rsa", "hmac", "webhook", "deploy", "admin", "consumer", "app", "application"}
        | {"wandb", "openai", "anthropic", "gemini", "cohere", "mistral", "huggingface", "hf"}
        | {"github", "gitlab", "stripe", "sendgrid", "twilio", "aws", "azure", "gcp", "google"}
        | {"datadog", "sentry", "pinecone", "langsmith", "databricks", "kaggle", "pem", "gpg"}
        | {"pgp", "tls", "ssl", "jwt", "groq", "tavily", "serper", "comet", "neptune", "deepseek"}
    ),
    "token": frozenset(
        {"access", "api", "auth", "bearer", "bot", "csrf", "github", "gitlab", "hf", "id"}
        | {"huggingface", "oauth", "oauth2", "refresh", "sas", "security", "session", "slack"}
        | {"user", "vault", "wandb", "personal", "service", "deploy", "npm", "pypi", "jwt"}
    ),
    "pat": frozenset({"github", "gitlab", "azure", "devops", "personal", "gh"}),
    "pass": frozenset({"db", "user", "smtp", "mysql", "pg", "redis", "ftp", "root", "admin"}),
    "cookie": frozenset({"session", "auth", "set", "login"}),
    "auth": frozenset({"basic", "proxy", "http"}),
}
"""Wrapped that name a secret only behind one of these: `api_key`, and not `sort_key`."""

_FLAGS = frozenset(
    {"max", "min", "num", "n", "number", "has", "have", "is", "use", "uses", "need", "needs"}
    | {"require", "requires", "required", "no", "total", "count", "enable", "disable", "ignore"}
    | {"skip", "check", "avg", "mean", "per", "public", "with", "without"}
)
"""Wrapped in front of which the name is a number, a switch, or nothing that is kept to oneself."""

_OF_LANGUAGE = frozenset(
    {"pad", "padding", "eos", "bos", "unk", "unknown", "mask", "sep", "cls", "stop", "start"}
    | {"end", "begin", "special", "next", "prev", "previous", "prompt", "completion", "input"}
    | {"output", "additional", "first", "last", "best", "top", "image", "audio", "video", "text"}
    | {"target", "source", "control", "forced", "decoder", "encoder", "eot", "eod", "eom", "fim"}
    | {"prefix", "suffix", "middle", "vocab", "word", "sub", "oov", "blank", "current", "common"}
    | {"longest", "shortest", "class", "separator", "new", "generated", "predicted", "expected"}
)
"""Wrapped in front of a `token` that is a part of a text."""

_ABOUT = frozenset(
    {"count", "counts", "len", "length", "lengths", "size", "limit", "limits", "rate", "per"}
    | {"max", "min", "id", "ids", "type", "types", "name", "names", "label", "labels", "file"}
    | {"files", "filename", "path", "paths", "dir", "directory", "folder", "location", "policy"}
    | {"rule", "rules", "expiry", "expires", "expired", "expiration", "ttl", "lifetime", "age"}
    | {"url", "uri", "endpoint", "host", "env", "variable", "var", "enabled", "disabled"}
    | {"required", "optional", "needed", "valid", "validity", "field", "fields", "column"}
    | {"columns", "format", "version", "kind", "provider", "source", "store", "manager", "vault"}
    | {"arn", "ref", "reference", "scope", "scopes", "status", "state", "strength", "hint"}
    | {"help", "description", "doc", "used", "usage", "total", "embedding", "embeddings", "dim"}
    | {"vocab", "mask", "freq", "frequency", "distribution", "prob", "probs", "logprob"}
    | {"logprobs", "index", "indices", "position", "positions", "score", "scores", "weight"}
    | {"weights", "classification", "level", "budget", "cost", "price", "stats", "created"}
    | {"updated", "at", "date", "time", "timestamp", "error", "errors", "exception", "algorithm"}
    | {"alg", "template", "pattern", "regex", "metric", "metrics", "fingerprint", "second"}
    | {"seconds", "minute", "day", "method", "mode", "model", "accuracy", "loss", "text", "list"}
    | {"rotation", "rotated", "prefix", "suffix", "bucket", "reset", "change", "changed", "case"}
)
"""Wrapped behind which the name is about a secret: `password_length`, `secret_name`."""


@lru_cache(maxsize=8192)
def is_secret_name(name: str) -> bool:
    """Whether a value of that name is a secret: `api_key`, and not `max_tokens` or `monkey`.

    A name is split into words, at capitals and at all that is no letter.
    """
    if len(name) > _LONGEST:
        return False
    terms = _terms(name)
    return any(_names_secret(terms, position) for position in range(len(terms)))


_LONGEST = 200  # letters; nobody gives a secret a longer name


@lru_cache(maxsize=1024)
def is_password_name(name: str) -> bool:
    """Whether it is the name of a secret that may be a number."""
    return is_secret_name(name) and any(word.endswith(_PASSWORDS) for word in _terms(name))


def _terms(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _names_secret(terms: list[str], position: int) -> bool:
    term, before, after = terms[position], terms[:position], terms[position + 1 :]
    if _ABOUT.intersection(after) or _FLAGS.intersection(before):
        return False
    if term in _SECRETS or term.endswith((*_PASSWORDS, *(f"{name}s" for name in _PASSWORDS))):
        return True
    previous = before[-1] if before else ""
    singular = term if term == "pass" else term.removesuffix("s")
    if term == "token":
        return not _OF_LANGUAGE.intersection(before)
    return previous in _QUALIFIED.get(singular, ())
