"""An authority that says whatever a test wants: RFC 8555 over TLS, in the test's own loop.

It believes every name unless it is told otherwise: `refused` (never signed), `unseen` (their proof is not seen, by the
kind of challenge), `replies` (the next answer at a path is this one).  `asked` is every request: path, header, payload.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from tests.authority import DAY, Authority

ERROR = "urn:ietf:params:acme:error:"


def problem(kind: str, detail: str = "because", status: int = 403, **more: object) -> tuple[int, dict[str, str], bytes]:
    return status, {}, json.dumps({"type": ERROR + kind, "detail": detail, **more}).encode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Ca:
    """One that listens."""

    signer: Authority
    port: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    unseen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    replies: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any], Any]] = field(default_factory=list)
    directory: dict[str, Any] = field(default_factory=dict)
    orders: list[list[str]] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)  # authorizations, by path
    seen: set[str] = field(default_factory=set)
    made: list[bytes] = field(default_factory=list)
    nonces: int = 0
    clock: float = 1_700_000_000.0  # of what it signs

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self.request(reader, writer)
        except (OSError, EOFError):
            writer.close()

    async def request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split("\r\n")[0].split()
        size = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        status, headers, body = self.answer(method, path, await reader.readexactly(size))
        self.nonces += 1
        lines = {"Replay-Nonce": f"nonce-{self.nonces}", "Content-Length": str(len(body))}
        told = "".join(f"{name}: {value}\r\n" for name, value in {**lines, **headers}.items())
        writer.write(f"HTTP/1.1 {status} Said\r\n{told}\r\n".encode() + (b"" if method == "HEAD" else body))
        await writer.drain()

    def answer(self, method: str, path: str, octets: bytes) -> tuple[int, dict[str, str], bytes]:
        header, payload = {}, None
        if method == "POST":
            request = json.loads(octets)
            header = json.loads(decode(request["protected"]))
            payload = json.loads(decode(request["payload"]) or b"null")
            assert header["url"] == self.url + path
        self.asked.append((path, header, payload))
        if self.replies.get(path):
            return self.replies[path].pop(0)
        return self.usual(path, payload)

    def usual(self, path: str, payload: Any) -> tuple[int, dict[str, str], bytes]:
        kind, *rest = path.strip("/").split("/")
        match kind:
            case "directory":
                names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order"}
                return self.document({**{key: f"{self.url}/{name}" for key, name in names.items()}, **self.directory})
            case "nonce":
                return 200, {}, b""
            case "account":
                return 201, {"Location": f"{self.url}/account/1"}, b"{}"
            case "order":
                return self.order([each["value"] for each in payload["identifiers"]])
            case "authz":
                return self.document(self.authorization(path, *rest))
            case "challenge":
                return self.challenge(*rest)
            case "finalize":
                return self.finalize(int(rest[0]), decode(payload["csr"]))
            case "certificate":
                return 200, {}, self.made[int(rest[0])]
        return 404, {}, b"nothing here"

    def document(self, value: object, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return 200, headers, json.dumps(value).encode()

    def order(self, names: list[str]) -> tuple[int, dict[str, str], bytes]:
        bad = [name for name in names if name in self.refused]
        if bad:
            parts = [
                {
                    "type": ERROR + "rejectedIdentifier",
                    "detail": self.refused[n],
                    "identifier": {"type": "dns", "value": n},
                }
                for n in bad
            ]
            return problem("rejectedIdentifier", "some are refused", 400, subproblems=parts)
        self.orders.append(names)
        number = len(self.orders) - 1
        told = {
            "status": "pending",
            "authorizations": [f"{self.url}/authz/{number}/{name}" for name in names],
            "finalize": f"{self.url}/finalize/{number}",
        }
        _, _, body = self.document(told)
        return 201, {"Location": f"{self.url}/orders/{number}"}, body

    def authorization(self, path: str, number: str, name: str) -> dict[str, Any]:
        state = "invalid" if path in self.failed else "valid" if path in self.seen else "pending"
        challenges = [
            {"type": kind, "url": f"{self.url}/challenge/{number}/{name}/{kind}", "token": f"token-{number}"}
            for kind in ("http-01", "tls-alpn-01", "dns-01")
        ]
        if state == "invalid":
            challenges[0]["error"] = {"type": ERROR + "connection", "detail": f"nobody at {name}"}  # type: ignore[assignment]
        return {"status": state, "identifier": {"type": "dns", "value": name}, "challenges": challenges}

    def challenge(self, number: str, name: str, kind: str) -> tuple[int, dict[str, str], bytes]:
        bad = kind in self.unseen.get(name, ())
        (self.failed if bad else self.seen).add(f"/authz/{number}/{name}")
        return self.document({"status": "processing"})

    def finalize(self, number: int, octets: bytes) -> tuple[int, dict[str, str], bytes]:
        request = x509.load_der_x509_csr(octets)
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        now = self.now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.signer.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + 90 * DAY)
            .add_extension(names.value, critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.signer.key.public_key()), critical=False
            )
            .sign(self.signer.key, hashes.SHA256())
        )
        self.made.append(certificate.public_bytes(serialization.Encoding.PEM))
        where = f"{self.url}/certificate/{len(self.made) - 1}"
        return self.document({"status": "valid", "finalize": f"{self.url}/x", "certificate": where})

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.clock, dt.UTC)


@asynccontextmanager
async def running_ca(directory: Path) -> AsyncIterator[Ca]:
    """One that listens on loopback; its own certificate is signed by `ca.signer` too."""
    ca = Ca(Authority(directory))
    server = await asyncio.start_server(ca.connected, "127.0.0.1", 0, ssl=ca.signer.context("localhost"))
    ca.port = server.sockets[0].getsockname()[1]
    try:
        yield ca
    finally:
        server.close()
