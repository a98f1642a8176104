"""Signs and seals messages for tests, with dkimpy and cryptography: what we verify must come from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache, cached_property

import dkim
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from dkim.canonicalization import Relaxed

SIGNED = (b"from", b"to", b"subject", b"date", b"message-id")
Set = tuple[bytes, bytes, bytes]
# 768 bits: too few for anybody to make it any more.
WEAK_PEM = b"""-----BEGIN RSA PRIVATE KEY-----
MIIBygIBAAJhAL9h8RG4mrPlegl24idEQLLvUHTFFCuOpq2+QMyUI+jnDvPxjSII
QjYH2BexW89TKvrBHOCy9KJSUBu48zmG2/nmJ509Ke+TBzHYh2/CpBbGf/B2KS++
sN/kOrI3ZMWfowIDAQABAmBceAUTK9/LhdfGFOPGVyrvicOU99f8B6uvDNqgPf9v
u5w074Piap0bIAUfxXj3nlWxZIBquzvvndF+GdveJA8AyyVlcFFiJWowHACbA28f
7eXpaSq/ugRYQWnJZ8f5uLECMQD531BDmnuvFOWWJND+mY76fZhrMwYYt4mm5gj8
vVH0lOBqD8nKSHRvrBf2w57DiDsCMQDEE26xSzjv7Vx0hnqgqiP6OZgbq/aomUZH
sIqyiIqcIlxSsJ7ixo5uN1v07e3it7kCMCdMIrBvJFKVw8HISoIwHldw1z7MyIGs
o952wSUWlUQVAfJMR10j5gQGGcK6Y0a3LwIxALL7yh+tOtxJIAx+dZITvaO8z0zz
PMXKpIzsaq9uVJkSBJS3BVKdTYbuodKDHpPGgQIwUJ23NbfDdR+ZupSeExZpHNnJ
rh1Tx2IcrViEthyYvWIunCK7eg/QLM3QKDp77RRX
-----END RSA PRIVATE KEY-----
"""
WEAK_PUBLIC = (
    "MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAL9h8RG4mrPlegl24idEQLLvUHTFFCuOpq2+QMyUI+jnDvPx"
    "jSIIQjYH2BexW89TKvrBHOCy9KJSUBu48zmG2/nmJ509Ke+TBzHYh2/CpBbGf/B2KS++sN/kOrI3ZMWfowIDAQAB"
)


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Owner:
    """A domain with a selector and a key."""

    domain: str
    selector: str = "s1"
    bits: int = 2048  # 0: ed25519; below 1024: a weak key

    @cached_property
    def seed(self) -> bytes:
        return hashlib.sha256(self.domain.encode()).digest()

    @property
    def name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The text of the TXT record."""
        if not self.bits:
            public = ed25519.Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
            return f"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}"
        if self.bits < 1024:
            return f"v=DKIM1; k=rsa; p={WEAK_PUBLIC}"
        public = (
            rsa_key(self.bits)
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"

    @property
    def zone(self) -> str:
        """The record as a line of a zone."""
        text = self.record
        pieces = " ".join(f'"{text[start : start + 250]}"' for start in range(0, len(text), 250))
        return f"{self.name}. TXT {pieces}\n"

    def sign(self, message: bytes, canonicalization: str = "relaxed/relaxed", **options: object) -> bytes:
        """The message with a DKIM-Signature before it."""
        options.setdefault("include_headers", list(SIGNED))
        if 0 < self.bits < 1024:
            private = WEAK_PEM
        elif self.bits:
            private = rsa_key(self.bits).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        else:
            private = base64.b64encode(self.seed)
            options["signature_algorithm"] = b"ed25519-sha256"
        head, _, body = canonicalization.partition("/")
        signature: bytes = dkim.sign(
            message,
            self.selector.encode(),
            self.domain.encode(),
            private,
            canonicalize=(head.encode(), body.encode()),
            **options,
        )
        return signature + message

    def seal(self, message: bytes, sets: list[Set], found: str, cv: str | None = None) -> Set:
        """The next ARC set (RFC 8617 §5.1): results, message signature, seal; `sets` are those before it."""
        number = len(sets) + 1
        key = rsa_key(self.bits)
        header, _, body = message.partition(b"\r\n\r\n")
        fields = {line.partition(b":")[0].lower(): line + b"\r\n" for line in header.split(b"\r\n")}
        names = [name for name in SIGNED if name in fields]
        results = f"ARC-Authentication-Results: i={number}; {found}\r\n".encode()
        bh = base64.b64encode(hashlib.sha256(Relaxed.canonicalize_body(body)).digest()).decode()
        tags = f"i={number}; a=rsa-sha256; d={self.domain}; s={self.selector};"
        signature = (
            f"ARC-Message-Signature: {tags} c=relaxed/relaxed;\r\n h={b':'.join(names).decode()}; bh={bh}; b="
        ).encode()
        covered = b"".join(relaxed(fields[name]) for name in names) + relaxed(signature).rstrip()
        signature += _signed(key, covered)
        seal = f"ARC-Seal: {tags} cv={cv or ('none' if number == 1 else 'pass')}; b=".encode()
        before = b"".join(relaxed(field) for one in sets for field in one) + relaxed(results) + relaxed(signature)
        seal += _signed(key, before + relaxed(seal).rstrip())
        return results, signature, seal


def relaxed(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    [(name, value)] = Relaxed.canonicalize_headers([(name, value)])
    return name + b":" + bytes(value)


def sealed(message: bytes, sets: list[Set]) -> bytes:
    """The message with these sets before it, the newest first."""
    return b"".join(b"".join(reversed(one)) for one in reversed(sets)) + message


def _signed(key: rsa.RSAPrivateKey, covered: bytes) -> bytes:
    return base64.b64encode(key.sign(covered, padding.PKCS1v15(), hashes.SHA256())) + b"\r\n"
