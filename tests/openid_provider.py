"""An OpenID provider for tests: its description, keys, and answers about tokens, over HTTPS."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey
from tests.authority import Authority

AUDIENCE = "mail"
CLIENT, SECRET = "mailkeep", "s3cret"


class OpenIdProvider:
    """Where it is, and what it says; `down`: it answers with 503.  `known`: what it says about opaque tokens."""

    def __init__(self, authority: Path, issuer: str) -> None:
        self.authority = authority
        self.issuer = issuer
        self.key = ECKey.generate_key("P-256", parameters={"kid": "k1"})
        self.down = False
        self.known: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def token(self, email: str, **claims: Any) -> str:
        """A token for `email` that is good for five minutes."""
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
            "scope": "openid mail",
            "email": email,
        }
        return jwt.encode({"alg": "ES256", "kid": self.key.kid, "typ": "at+jwt"}, said | claims, self.key)

    def answer(self, path: str) -> dict[str, Any] | None:
        match path:
            case "/.well-known/openid-configuration":
                return {
                    "issuer": self.issuer,
                    "jwks_uri": self.issuer + "/keys",
                    "introspection_endpoint": self.issuer + "/introspect",
                }
            case "/keys":
                return {"keys": [self.key.as_dict(private=False)]}
        return None


@contextmanager
def running_provider(directory: Path) -> Iterator[OpenIdProvider]:
    authority = Authority(directory, "Authority of the provider")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked.append(self.path)
            self._say(provider.answer(self.path))

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            provider.asked.append(self.path)
            if self.headers["Authorization"] != expected:
                self.send_error(401)
                return
            self._say(provider.known.get(form["token"][0], {"active": False}))

        def _say(self, said: dict[str, Any] | None) -> None:
            if provider.down or said is None:
                self.send_error(503 if provider.down else 404)
                return
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = authority.context("localhost").wrap_socket(server.socket, server_side=True)
    provider = OpenIdProvider(authority.file, f"https://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
