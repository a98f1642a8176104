"""The client's side of SCRAM-SHA-256 (RFC 5802 §3), written for tests and by itself."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode


class ScramClient:
    """One exchange: `first` is sent, `final` answers what comes, `is_server` checks the server's last message."""

    def __init__(
        self,
        user: str,
        password: str,
        nonce: str = "fyko+d2lbbFgONRv9qkxdawL",
        *,
        flag: str = "n",
        binding: bytes = b"",
    ) -> None:
        self.header = flag.encode() + b",,"
        self.binding = binding
        self.password = password
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={nonce}".encode()
        self.first = self.header + self.bare
        self.signature = b""

    def final(self, server_first: bytes) -> bytes:
        """The proof."""
        fields = dict(part.split(b"=", 1) for part in server_first.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), b64decode(fields[b"s"]), int(fields[b"i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        bare = b"c=" + b64encode(self.header + self.binding) + b",r=" + fields[b"r"]
        said = b",".join((self.bare, server_first, bare))
        signature = hmac.digest(hashlib.sha256(key).digest(), said, "sha256")
        self.signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), said, "sha256")
        return bare + b",p=" + b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True)))

    def is_server(self, server_final: bytes) -> bool:
        """Whether the server has proved that it knows the verifier."""
        return server_final == b"v=" + b64encode(self.signature)
