"""An issuer of access tokens on loopback, and the keys and certificates that clients ask for."""

from __future__ import annotations

import base64
import json
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from typing_extensions import Self

__all__ = ["TokenIssuer", "write_certificate", "write_google_account"]

_LIFETIME = 3600  # seconds


class TokenIssuer:
    """Answers as Google's token endpoint and as Azure's managed identity; a context manager."""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Issuer)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Issuer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Issue a token of Azure's: Azurite looks at its claims, not at its signature.

        Below `/token/bad`, the token is for another service.
        """
        now = int(time.time())
        service = "vault" if self.path.startswith("/token/bad") else "storage"
        claims = {
            "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
            "aud": f"https://{service}.azure.com",
            "iat": now,
            "nbf": now - 60,
            "exp": now + _LIFETIME,
        }
        header = {"alg": "HS256", "typ": "JWT"}
        token = ".".join((_encode(header), _encode(claims), _encode({})))
        self._answer(
            {"access_token": token, "expires_on": str(now + _LIFETIME), "token_type": "Bearer"}
        )

    def do_POST(self) -> None:
        """Issue a token of Google's."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"access_token": "token", "expires_in": _LIFETIME, "token_type": "Bearer"})

    def log_message(self, *_: object) -> None:
        """Write no log."""

    def _answer(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def write_google_account(path: Path, token_url: str) -> None:
    """Write the file of a service account, as GOOGLE_APPLICATION_CREDENTIALS names it."""
    account = {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "1",
        "private_key": _pem(_new_key()).decode(),
        "client_email": "tester@project.example",
        "client_id": "1",
        "token_uri": token_url,
    }
    path.write_text(json.dumps(account), encoding="utf-8")


def write_certificate(certificate: Path, key: Path) -> None:
    """Write a certificate of 127.0.0.1 and its key; Azure's SDK sends tokens only over TLS."""
    new_key = _new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(new_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(new_key, hashes.SHA256())
    )
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(_pem(new_key))


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
