"""Forms of the tokens and keys of known services, as their documentation describes them."""

from __future__ import annotations

import re

from mfwb.redaction.mark import MASK
from mfwb.redaction.tries import any_of

__all__ = ["HINTS", "mask_tokens"]

_SHORTEST = {
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), 22),
    **dict.fromkeys(("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-"), 16),
    **dict.fromkeys(("xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"), 16),
    **dict.fromkeys(("xapp-", "xoxc-", "xoxd-"), 16),
    **dict.fromkeys(("sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "whsec_"), 16),
    **dict.fromkeys(("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-ant-", "sk-or-", "sk-lf-"), 20),
    **dict.fromkeys(("AIza", "GOCSPX-"), 24),
    **dict.fromkeys(("npm_", "pypi-", "hf_", "api_org_"), 30),
    **dict.fromkeys(("wandb_v1_", "wandb_v2_"), 12),
    **dict.fromkeys(("dop_v1_", "doo_v1_", "dor_v1_", "dapi", "glsa_", "glc_", "NRAK-"), 24),
    **dict.fromkeys(("shpat_", "shpca_", "shppa_", "shpss_", "sq0atp-", "sq0csp-"), 20),
    **dict.fromkeys(("dckr_pat_", "rubygems_", "r8_", "gsk_", "pplx-", "xai-", "tvly-"), 24),
    **dict.fromkeys(("lsv2_pt_", "lsv2_sk_", "pcsk_", "lin_api_", "ntn_", "PMAK-"), 24),
    **dict.fromkeys(("sntrys_", "sntryu_", "pscale_tkn_", "pscale_pw_", "ATATT3", "ATBB"), 20),
    **dict.fromkeys(("LTAI", "figd_", "pul-", "sbp_", "nfp_", "sgp_", "xkeysib-"), 16),
    **dict.fromkeys(("CCIPAT_", "CFPAT-", "HRKU-", "AKCp", "pnu_", "rdme_", "fm2_"), 20),
    **dict.fromkeys(("AGE-SECRET-KEY-1", "ops_eyJ", "key-", "lip_", "ckey_"), 32),
}
"""The least number of letters behind each beginning."""

_BARE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
"""A token begins where a word begins, also behind `\\n` and `%3D` as escapes write them."""

_TOKEN = re.compile(rf"{_BARE}({any_of(_SHORTEST)})([A-Za-z0-9_\-]+)")
_JWT = re.compile(rf"{_BARE}eyJ[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]*){{0,4}}")
_AWS_ID = re.compile(rf"{_BARE}(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}}(?![A-Za-z0-9])")
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_WITH_POINTS = re.compile(
    rf"{_BARE}(?:ya29\.[A-Za-z0-9_\-]{{20,}}|SG\.[A-Za-z0-9_\-]{{16,64}}\.[A-Za-z0-9_\-]{{16,}}"
    r"|hv[sbr]\.[A-Za-z0-9_\-.]{20,}|dp\.(?:pt|st|ct|sa|scim)\.[A-Za-z0-9_\-.]{16,}"
    r"|dt0c01\.[A-Z0-9]{8,64}\.[A-Z0-9]{16,}|sk-[A-Za-z0-9]{20,}|sk\.eyJ[A-Za-z0-9_\-.]{20,})"
)
_BY_PARTS = (
    ("atlasv1.", re.compile(rf"{_BARE}[A-Za-z0-9]{{10,20}}\.atlasv1\.[A-Za-z0-9_\-]{{40,}}")),
    ("-us", re.compile(rf"{_BARE}[0-9a-f]{{32}}-us[0-9]{{1,2}}(?![A-Za-z0-9])")),
    (":AA", re.compile(rf"{_BARE}[0-9]{{8,10}}:AA[A-Za-z0-9_\-]{{32,}}")),
    ("Q~", re.compile(r"(?<![\w~.\-])[\w~.\-]{3}[0-9]Q~[\w~.\-]{31,34}(?![\w~.\-])")),
    ("SK", re.compile(rf"{_BARE}SK[0-9a-f]{{32}}(?![A-Za-z0-9])")),
)
_WEBHOOKS = re.compile(
    r"((?:hooks\.slack\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks"
    r"|[a-z0-9\-]{1,60}\.webhook\.office\.com/webhookb2)/"
    r"(?:[A-Za-z0-9@\-]{1,100}/){0,3})([A-Za-z0-9_\-]{20,})"
)

HINTS = (
    *_SHORTEST,
    *("eyJ", "AKIA", "ASIA", "ABIA", "ACCA", "ya29.", "SG.", "hvs.", "hvb.", "hvr.", "dp.pt."),
    *("dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dt0c01.", "sk-", "sk.eyJ", "atlasv1.", ":AA"),
    *("Q~", "hooks.slack.com", "/webhooks/", "webhook.office"),
)
"""Each token has at least one of these parts, but for those of the expression below."""


def mask_tokens(text: str) -> str:
    """Return the text without tokens and keys of known services."""
    text = _TOKEN.sub(_mask_token, text)
    if "eyJ" in text:
        text = _JWT.sub(_mask_jwt, text)
    text, with_id = _AWS_ID.subn(MASK, text)
    if with_id:
        text = _AWS_SECRET.sub(_mask_random, text)
    text = _WITH_POINTS.sub(_mask_random, text)
    for part, form in _BY_PARTS:
        if part in text:
            text = form.sub(MASK, text)
    return _WEBHOOKS.sub(rf"\1{MASK}", text)


def is_aws_secret(text: str) -> bool:
    """Whether a text has the form of AWS's secret keys, which only stand beside their ids."""
    return _AWS_SECRET.fullmatch(text) is not None and looks_random(text)


def has_aws_id(text: str) -> bool:
    """Whether there is an id of an access key of AWS in the text."""
    return _AWS_ID.search(text) is not None


def looks_random(text: str) -> bool:
    """Whether letters are of several classes, as people do not mix them in names."""
    letters = any(map(str.isalpha, text))
    if letters and any(map(str.isdigit, text)):
        return True
    return text.isalpha() and not text.islower() and not text.isupper() and not text.istitle()


def _mask_token(match: re.Match[str]) -> str:
    beginning, body = match[1], match[2]
    is_long = len(body) >= _SHORTEST[beginning]
    return MASK if is_long and looks_random(body) else match[0]


def _mask_jwt(match: re.Match[str]) -> str:
    parts = match[0].split(".")
    is_token = len(parts) == _PARTS_OF_JWE or (len(parts) > 1 and parts[1].startswith("eyJ"))
    is_token = is_token or parts[1:3] == ["", ""]  # `eyJhbG...`, as a shortened text has it
    return MASK if is_token or parts[0].startswith(_NEPTUNE) else match[0]


_PARTS_OF_JWE = 5
_NEPTUNE = "eyJhcGlf"  # `{"api_`, in base64: Neptune's tokens are JSON with such keys


def _mask_random(match: re.Match[str]) -> str:
    return MASK if looks_random(match[0]) else match[0]
