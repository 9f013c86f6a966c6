"""Invented secrets of many kinds, and innocent values that look a little like secrets.

Each secret is put together at run time from its known beginning and letters that a hash decides, so
that no file of the repository holds a text that a scanner could take for a leaked key. The lists
were written from the documentation of the services, not from the rules of mfwb.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from itertools import count

__all__ = ["INNOCENT", "INNOCENT_LINES", "NAMED", "SHAPED", "SecretText", "letters"]

_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()
_DIGITS = "0123456789"
_ALNUM = _UPPER + _LOWER + _DIGITS
_HEX = "0123456789abcdef"
_BASE64 = f"{_ALNUM}+/"
_URL_SAFE = f"{_ALNUM}-_"


def letters(seed: str, length: int, alphabet: str = _ALNUM) -> str:
    """Return letters that depend on the seed alone; the first ones are of each class."""
    drawn = [
        alphabet[byte % len(alphabet)]
        for number in range(length // 32 + 1)
        for byte in hashlib.sha256(f"{seed}/{number}".encode()).digest()
    ][:length]
    classes = [set(part) & set(alphabet) for part in (_UPPER, _LOWER, _DIGITS)]
    for position, letters_of_class in enumerate(filter(None, classes)):
        if length > len(classes) and not letters_of_class & set(drawn):
            drawn[position] = min(letters_of_class)
    return "".join(drawn)


@dataclass(frozen=True, slots=True)
class SecretText:
    """A secret in a text.

    Attributes:
        kind: what it is, as a Python name.
        text: the text with the secret.
        secret: the part that nobody may see.
        left: a part of the text that has to stay.
    """

    kind: str
    text: str
    secret: str
    left: str = ""


def _token(kind: str, beginning: str, length: int, alphabet: str = _ALNUM) -> SecretText:
    body = letters(kind, length, alphabet)
    return SecretText(kind, beginning + body, body)


def _jwt(kind: str) -> SecretText:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    head, claims = part('{"alg":"HS256","typ":"JWT"}'), part('{"sub":"1234567890","admin":true}')
    signature = letters(kind, 43, _URL_SAFE)
    return SecretText(kind, f"{head}.{claims}.{signature}", signature)


def _pem(kind: str, label: str, separator: str = "\n") -> SecretText:
    rows = [letters(f"{kind}{number}", 64, _BASE64) for number in range(6)]
    dashes = "-" * 5
    begin, end = f"{dashes}BEGIN {label}{dashes}", f"{dashes}END {label}{dashes}"
    return SecretText(kind, separator.join([begin, *rows, end]), rows[2])


def _in(kind: str, template: str, length: int = 24, alphabet: str = _ALNUM) -> SecretText:
    body = letters(kind, length, alphabet)
    before, _, after = template.partition("{}")
    left = max(before, after, key=len)
    left = left if len(left) > len("-us12") else ""
    return SecretText(kind, f"{before}{body}{after}", body, left)


def _azure_ad(kind: str) -> SecretText:
    body = letters(kind, 31, _ALNUM)
    return SecretText(kind, f"aB1{'8'}{'Q~'}{body}", body)


SHAPED: tuple[SecretText, ...] = (
    _token("openai", "sk-", 48),
    _token("openai_project", "sk-proj-", 74, _URL_SAFE),
    _token("openai_service", "sk-svcacct-", 74, _URL_SAFE),
    _token("anthropic", "sk-ant-api03-", 93, _URL_SAFE),
    _token("openrouter", "sk-or-v1-", 64, _HEX),
    _token("aws_access_key_id", "AKIA", 16, _UPPER + "234567"),
    _token("aws_temporary_id", "ASIA", 16, _UPPER + "234567"),
    _token("github_personal", "ghp_", 36),
    _token("github_oauth", "gho_", 36),
    _token("github_user", "ghu_", 36),
    _token("github_server", "ghs_", 36),
    _token("github_refresh", "ghr_", 36),
    _token("github_fine_grained", "github_pat_", 82, _ALNUM),
    _token("gitlab_personal", "glpat-", 20, _URL_SAFE),
    _token("gitlab_deploy", "gldt-", 20, _URL_SAFE),
    _token("gitlab_runner", "glrt-", 20, _URL_SAFE),
    _token("slack_bot", "xoxb-123456789012-123456789012-", 24),
    _token("slack_user", "xoxp-123456789012-123456789012-", 32, _HEX),
    _token("slack_app", "xapp-1-A0123456789-1234567890123-", 64, _HEX),
    _in("slack_webhook", "https://hooks.slack.com/services/T0123ABCD/B0123ABCD/{}"),
    _in("discord_webhook", "https://discord.com/api/webhooks/123456789012345678/{}", 68),
    _token("stripe_live", "sk_live_", 24),
    _token("stripe_test", "sk_test_", 24),
    _token("stripe_restricted", "rk_live_", 24),
    _token("stripe_webhook", "whsec_", 32),
    _token("google_api", "AIza", 35, _URL_SAFE),
    _token("google_oauth_secret", "GOCSPX-", 28, _URL_SAFE),
    _token("google_access", "ya29.", 60, _URL_SAFE),
    _token("npm", "npm_", 36),
    _token("pypi", "pypi-AgEIcHlwaS5vcmc", 80, _URL_SAFE),
    _token("hugging_face", "hf_", 34),
    _token("wandb", "wandb_v1_", 70, _ALNUM + "_"),
    _jwt("jwt"),
    _pem("pem_rsa", "RSA PRIVATE KEY"),
    _pem("pem_pkcs8", "PRIVATE KEY"),
    _pem("pem_openssh", "OPENSSH PRIVATE KEY"),
    _pem("pem_ec", "EC PRIVATE KEY"),
    _pem("pem_encrypted", "ENCRYPTED PRIVATE KEY"),
    _pem("pem_escaped", "PRIVATE KEY", "\\n"),
    _pem("pgp", "PGP PRIVATE KEY BLOCK"),
    _in("url_https", "https://alice:{}@example.com/repo.git"),
    _in("url_token_as_user", "https://{}@github.example.com/a/b.git"),
    _in("dsn_postgres", "postgresql+psycopg2://app:{}@db.example.com:5432/prod"),
    _in("dsn_mysql", "mysql://root:{}@10.0.0.1/db"),
    _in("dsn_mongo", "mongodb+srv://app:{}@cluster0.example.net/?retryWrites=true"),
    _in("dsn_redis", "redis://:{}@cache.example.com:6379/0"),
    _in("dsn_amqp", "amqps://user:{}@mq.example.com/vhost"),
    _in("dsn_sentry", "https://{}@o123.ingest.example.com/456", 32, _HEX),
    _in("dsn_odbc", "Driver={SQL};Server=db.example.com;UID=sa;PWD={}".replace("{SQL}", "SQL"), 16),
    _in("dsn_libpq", "host=db.example.com user=app password={} dbname=prod", 16),
    _in(
        "azure_connection",
        "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={}==;EndpointSuffix=core",
        86,
        _BASE64,
    ),
    _in(
        "azure_sas",
        "https://acc.blob.example.net/c/b?sv=2022-11-02&sp=r&sig={}%3D",
        43,
        _ALNUM,
    ),
    _in(
        "azure_service_bus",
        "Endpoint=sb://ns.example.net/;SharedAccessKeyName=Root;SharedAccessKey={}=",
        43,
        _BASE64,
    ),
    _azure_ad("azure_ad"),
    _in(
        "s3_presigned",
        "https://b.s3.example.com/k?X-Amz-Date=20240101T000000Z&X-Amz-Signature={}",
        64,
        _HEX,
    ),
    _in("bearer", "Authorization: Bearer {}", 40, _URL_SAFE),
    _in("bearer_alone", "curl -H 'accept: */*' with bearer {}", 40, _URL_SAFE),
    _in("basic", "Authorization: Basic {}==", 22, _BASE64),
    _in("header_api_key", "x-api-key: {}", 40),
    _token("sendgrid", "SG." + letters("sendgrid_id", 22) + ".", 43, _URL_SAFE),
    _token("twilio", "SK", 32, _HEX),
    _token("mailgun", "key-", 32, _HEX),
    _in("mailchimp", "{}-us12", 32, _HEX),
    _token("telegram", "123456789:AA", 33, _URL_SAFE),
    _token("digitalocean", "dop_v1_", 64, _HEX),
    _token("databricks", "dapi", 32, _HEX),
    _token("vault", "hvs.", 90, _URL_SAFE),
    _token("terraform", letters("terraform_id", 14) + ".atlasv1.", 64, _ALNUM),
    _token("grafana", "glsa_", 32),
    _token("new_relic", "NRAK-", 27, _UPPER + _DIGITS),
    _token("shopify", "shpat_", 32, _HEX),
    _token("square", "sq0atp-", 22, _URL_SAFE),
    _token("docker", "dckr_pat_", 27, _URL_SAFE),
    _token("rubygems", "rubygems_", 48, _HEX),
    _token("replicate", "r8_", 37),
    _token("groq", "gsk_", 52),
    _token("perplexity", "pplx-", 48),
    _token("xai", "xai-", 80),
    _token("langsmith", "lsv2_pt_", 32, _HEX),
    _token("pinecone", "pcsk_", 70, _ALNUM + "_"),
    _token("linear", "lin_api_", 40),
    _token("notion", "ntn_", 46),
    _token("postman", "PMAK-", 59, _HEX + "-"),
    _token("sentry", "sntrys_", 60, _ALNUM),
    _token("planetscale", "pscale_tkn_", 43, _ALNUM),
    _token("atlassian", "ATATT3xFfGF0", 60, _URL_SAFE),
    _token("alibaba", "LTAI", 20),
    _token("age", "AGE-SECRET-KEY-1", 58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    _in("netrc", "machine api.wandb.example login user password {}", 40, _HEX),
    _in("option", "train.py --api-key {} --epochs 3"),
    _in("option_equals", "train.py --password={} --epochs 3"),
    _in("assignment", "export OPENAI_API_KEY={}"),
    _in("assignment_yaml", "  client_secret: {}"),
    _in("json", '{{"user": "bob", "token": "{}"}}'.replace("{{", "{").replace("}}", "}", 1)),
    _in("repr", "Config(user='bob', password='{}', retries=3)", 14),
    _in("query", "GET /v1/items?limit=3&api_key={} HTTP/1.1"),
)
"""Secrets that are recognized by their form, whatever the name of the value."""


def _named(number: int, name: str, length: int = 20, alphabet: str = _ALNUM) -> tuple[str, str]:
    return name, letters(f"named/{number}/{name}", length, alphabet)


_NAMES = (
    *("api_key", "apikey", "API_KEY", "apiKey", "openai_api_key", "OPENAI_API_KEY", "x-api-key"),
    *("token", "access_token", "accessToken", "refresh_token", "auth_token", "authtoken"),
    *("github_token", "HF_TOKEN", "hf_token", "slack_bot_token", "bot_token", "session_token"),
    *("password", "PASSWORD", "db_password", "dbPassword", "passwd", "pwd", "user_pwd"),
    *("password_prod", "passphrase", "ssh_passphrase", "secret", "client_secret", "secret_value"),
    *("app_secret", "secret_key", "SECRET_KEY_BASE", "secretKey", "aws_secret_access_key"),
    *("credential", "credentials", "db_credentials", "private_key", "privateKey", "ssh_key"),
    *("encryption_key", "signing_key", "account_key", "storage_account_key", "access_key"),
    *("authorization", "Authorization", "proxy_authorization", "wandb_key", "WANDB_API_KEY"),
    *("webhook_secret", "jwt_secret", "jwt", "bearer", "bearer_token", "id_token", "sas_token"),
    *("github_pat", "api_keys", "passwords", "secrets", "access_tokens", "service_account_key"),
)
NAMED: tuple[tuple[str, str], ...] = tuple(
    _named(number, name) for number, name in zip(count(), _NAMES, strict=False)
)
"""Names with values that only the name shows to be secrets."""

INNOCENT: tuple[tuple[str, object], ...] = (
    ("tokens_per_second", 512.5),
    ("max_tokens", 4096),
    ("max_tokens_text", "4096"),
    ("num_tokens", 100),
    ("token_count", 3),
    ("token", 7),
    ("tokens", ["the", "cat", "sat"]),
    ("total_tokens", "12k"),
    ("prompt_tokens", 12),
    ("tokenizer", "bert-base-uncased"),
    ("tokenizer_name", "gpt2"),
    ("tokenization", "wordpiece"),
    ("pad_token", "<pad>"),
    ("eos_token", "</s>"),
    ("bos_token", "<s>"),
    ("unk_token", "[UNK]"),
    ("mask_token", "[MASK]"),
    ("sep_token", "[SEP]"),
    ("cls_token", "[CLS]"),
    ("stop_token", "END"),
    ("special_tokens", ["<pad>", "<s>"]),
    ("token_ids", "1 2 3"),
    ("token_type", "wordpiece"),
    ("next_token", "cat"),
    ("token_embedding", "learned"),
    ("key", "accuracy"),
    ("keys", ["a", "b"]),
    ("primary_key", "customer_id"),
    ("foreign_key", "order_id"),
    ("sort_key", "date"),
    ("partition_key", "region"),
    ("join_key", "user_id"),
    ("cache_key", "features-v3"),
    ("s3_key", "data/train.parquet"),
    ("group_by_key", "country"),
    ("monkey", "chimpanzee"),
    ("keyboard", "qwerty"),
    ("keyword", "machine learning"),
    ("keywords", ["machine", "learning"]),
    ("key_metric", "f1"),
    ("public_key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample"),
    ("turkey", "Ankara"),
    ("hockey", "ice"),
    ("secretary", "Ms Miller"),
    ("secret_name", "prod/database"),
    ("secret_arn_count", 3),
    ("password_length", 12),
    ("password_policy", "strong"),
    ("password_required", True),
    ("has_password", False),
    ("is_secret", True),
    ("use_token", True),
    ("use_auth_token", False),
    ("secret", None),
    ("password", ""),
    ("token_file", "/run/secrets/name"),
    ("api_key_env", "OPENAI_API_KEY"),
    ("api_key_name", "production"),
    ("credentials_path", "/home/user/creds.json"),
    ("token_url", "https://login.example.com/oauth/token"),
    ("author", "Jane Austen"),
    ("authors", ["Jane Austen"]),
    ("authority", "example.com"),
    ("auth_method", "oauth"),
    ("compass", "north"),
    ("passenger", "Mr Smith"),
    ("pass_rate", 0.9),
    ("bypass", "no"),
    ("passing", "yes"),
    ("discredit", "no"),
    ("credit", "approved"),
    ("headers", ["name", "age", "city"]),
    ("signature", "serving_default"),
    ("learning_rate", 0.001),
    ("optimizer", "adamw"),
    ("model_name", "meta-llama/Llama-3.1-8B-Instruct"),
    ("checkpoint", "sk-learn-pipeline-for-the-customer-churn"),
    ("run_name", "risk-model-2024-01-01-large-batch-size-2048"),
    ("task_name", "task-0123456789-abcdef-training"),
    ("sha1", hashlib.sha1(b"x", usedforsecurity=False).hexdigest()),
    ("sha256", hashlib.sha256(b"x").hexdigest()),
    ("commit", hashlib.sha1(b"commit", usedforsecurity=False).hexdigest()),
    ("uuid", "123e4567-e89b-12d3-a456-426614174000"),
    ("md5", hashlib.md5(b"x", usedforsecurity=False).hexdigest()),
    ("url", "https://example.com/path?page=2&sort=name"),
    ("url_with_port", "http://localhost:8080/metrics"),
    ("url_with_at", "https://medium.com/@user/article"),
    ("url_with_mail", "https://example.com/?email=jane@example.com"),
    ("s3_url", "s3://bucket/prefix/data.parquet"),
    ("ssh_remote", "git@github.com:owner/repo.git"),
    ("ssh_url", "ssh://git@github.com/owner/repo.git"),
    ("sqlite", "sqlite:///data.db"),
    ("postgres_without_password", "postgresql://app@db.example.com/prod"),
    ("mail", "jane@example.com"),
    ("version", "1.2.3"),
    ("docker_image", "registry.example.com/team/image:2024-01-01"),
    ("text", "The password must be longer than eight letters, and the secret of it is practice."),
    ("prompt", "Summarize the token: it is a word or a part of a word."),
    ("sentence", "bearer of good news"),
    ("basic", "a basic understanding of statistics"),
    ("base64_image", base64.b64encode(bytes(range(200))).decode()),
    ("path", "/data/skills/ask-me-anything/index.html"),
    ("dna", "ACGT" * 30),
    ("label", "hf_cleaned_dataset"),
    ("column", "npm_downloads_per_week"),
    ("feature", "r8_squared"),
    ("stage", "dapi"),
    ("code", "eyJ"),
    ("phone", "+49 30 1234567"),
    ("date", "2024-01-01T00:00:00Z"),
    ("big_number", 12345678901234567890),
    ("percent", "99.5%"),
    ("certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"),
    ("pem_public", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"),
)
"""Names with values that are no secrets, and stay as they are."""

INNOCENT_LINES: tuple[str, ...] = (
    "epoch 3: loss=0.25 tokens=51200 tokens/s=1034.2",
    "max_tokens: 4096, temperature: 0.7",
    "tokenizer: bert-base-uncased",
    "key=value sort_key=date primary_key: id",
    "loading keys: ['a', 'b']",
    "KeyError: 'password_length'",
    "KeyError: 'token'",
    "token = tokenizer.decode(ids)",
    "password = getpass.getpass()",
    "token = os.environ['HF_TOKEN']",
    "secret = None",
    "password: ${DB_PASSWORD}",
    "api_key: <your key>",
    "token: null",
    "use_auth_token=False",
    "pad_token='<pad>', eos_token='</s>'",
    "Downloading https://huggingface.example/models/x/resolve/main/tokenizer.json?download=true",
    "ratio 16:9 at 12:30:45 - see http://localhost:8080/@fs/index.html",
    'File "/app/auth.py", line 3, in login',
    "100%|##########| 10/10 [00:01<00:00, 9.9it/s]",
    "Invalid credentials",
    "authorization failed: no such user",
    "Basic statistics of the column",
    "the password is required",
    "password: str = Field(...)",
    "def f(token: str, password: Optional[str] = None) -> bool:",
    "missing 1 required positional argument: 'api_key'",
    "secret: SecretStr",
)
"""Lines of logs, and of exceptions, in which nothing is masked."""
