"""DKIM signatures (RFC 6376, RFC 8463): made here; checking is done elsewhere, by a library.

By hand, because a library that wants whole messages cannot sign one of 50 MB, and RSA in plain Python holds up all
else that a process does for more than 10 ms.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from mailkeep.formats.dkim_body import BodyHasher
from mailkeep.formats.mime.header import split_fields

RSA_SHA256: Final = "rsa-sha256"
ED25519_SHA256: Final = "ed25519-sha256"
RSA_BITS: Final = 2048  # RFC 8301 §3.2; longer ones do not fit into one string of a TXT record any better
MAX_HEADER: Final = 1024 * 1024  # octets
LINE: Final = 72  # characters of base64 on a line

# What a reader sees or a program acts upon (RFC 6376 §5.4.1).  Trace and what mailing lists set is for others to sign.
SIGNED: Final = (
    b"from", b"sender", b"reply-to", b"subject", b"date", b"message-id", b"to", b"cc", b"mime-version",
    b"content-type", b"content-transfer-encoding", b"content-id", b"content-description", b"resent-date",
    b"resent-from", b"resent-to", b"resent-cc", b"resent-message-id", b"in-reply-to", b"references", b"list-id",
    b"list-help", b"list-unsubscribe", b"list-unsubscribe-post", b"list-subscribe", b"list-post", b"list-owner",
    b"list-archive",
)  # fmt: skip
# These are listed once more than they are there: nobody can add another one (RFC 6376 §8.15).
SEALED: Final = frozenset((b"from", b"subject", b"date", b"to", b"cc", b"reply-to", b"message-id", b"content-type"))

_RUNS: Final = re.compile(rb"[ \t]{2,}|\t")


@dataclass(frozen=True, slots=True)
class Signer:
    """A key ready to sign; `sign` gives the signature of some octets."""

    domain: str
    selector: str
    algorithm: str
    sign: Callable[[bytes], bytes]


class Unsignable(ValueError):
    """A key or a message with which no signature can be made; the text says why, and tells no secret."""


def make_key(algorithm: str) -> bytes:
    """A new private key: PKCS #8 in PEM, or the seed of Ed25519.  For RSA that takes some tenths of a second."""
    match algorithm:
        case "rsa-sha256":
            made = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
            return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        case "ed25519-sha256":
            return ed25519.Ed25519PrivateKey.generate().private_bytes_raw()
        case _:
            raise Unsignable(f"No key can be made for {algorithm}")


def load_key(domain: str, selector: str, algorithm: str, private: bytes) -> Signer:
    """Make ready a key that `make_key` made, or that came from elsewhere.  Raises: Unsignable."""
    match _load(algorithm, private):
        case ed25519.Ed25519PrivateKey() as edwards:
            # RFC 8463 §3: what is signed is the hash, as of any other message
            return Signer(domain, selector, algorithm, lambda octets: edwards.sign(hashlib.sha256(octets).digest()))
        case rsa.RSAPrivateKey() as key:
            return Signer(domain, selector, algorithm, partial(key.sign, padding=PKCS1v15(), algorithm=SHA256()))


def public_record(algorithm: str, private: bytes) -> str:
    """What DNS must say of a key, at ``selector._domainkey.domain``.  RFC 6376 §3.6.1, RFC 8463 §4.

    Raises: Unsignable.
    """
    match _load(algorithm, private):
        case ed25519.Ed25519PrivateKey() as edwards:
            return f"v=DKIM1; k=ed25519; p={_base64(edwards.public_key().public_bytes_raw())}"
        case rsa.RSAPrivateKey() as key:
            public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return f"v=DKIM1; k=rsa; p={_base64(public)}"


def _load(algorithm: str, private: bytes) -> ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey:
    try:
        if algorithm == ED25519_SHA256:
            return ed25519.Ed25519PrivateKey.from_private_bytes(private)
        if algorithm == RSA_SHA256:
            # the check of its numbers takes longer than all signing, and the key is our own
            loaded = load_pem_private_key(private, None, unsafe_skip_rsa_key_validation=True)
            if isinstance(loaded, rsa.RSAPrivateKey):
                return loaded
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unsignable(f"The key for {algorithm} cannot be read") from error
    raise Unsignable(f"The key is not for {algorithm}")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def sign(pieces: Iterable[bytes], signers: Sequence[Signer], now: int) -> bytes:
    """The DKIM-Signature fields of a message, one for each signer, to be put before it.

    `pieces`: all its octets, in order.  Header and body in the form "relaxed", so that they outlive what mail
    programs do to white space; without length, so that nothing can be added.  `now` is UTC seconds.
    Raises: Unsignable (the header is too large, or has not exactly one From, so that no signature could hold).
    """
    body = BodyHasher(relaxed=True)
    fields = split_fields(_take_header(pieces, body))
    if sum(name == b"from" for name, _ in fields) != 1:
        raise Unsignable("A message has exactly one From field")
    names, covered = _choose(fields)
    digest = _base64(body.finish().digest)
    return b"".join(_signature(signer, names, covered, digest, now) for signer in signers)


def _take_header(pieces: Iterable[bytes], body: BodyHasher) -> bytes:
    """The header; what comes behind its blank line goes into `body`."""
    header = bytearray()
    rest = iter(pieces)
    for piece in rest:
        looked = max(0, len(header) - 3)
        header += piece
        end = 0 if header.startswith(b"\r\n") else header.find(b"\r\n\r\n", looked) + 2
        found = end != 1
        if (end if found else len(header)) > MAX_HEADER:
            raise Unsignable("The header of the message is too large")
        if found:
            body.write(bytes(header[end + 2 :]))
            del header[end:]
            break
    for piece in rest:
        body.write(piece)
    return bytes(header)


def _choose(fields: Sequence[tuple[bytes, bytes]]) -> tuple[str, bytes]:
    """The value of ``h=``, and the fields it names, made canonical and joined.

    Of fields that come several times the last is named first (RFC 6376 §5.4.2).
    """
    names: list[bytes] = []
    chosen: list[bytes] = []
    for wanted in SIGNED:
        found = [relaxed_field(whole) for name, whole in reversed(fields) if name == wanted]
        names += [wanted] * (len(found) + (wanted in SEALED))
        chosen += found
    return ":".join(name.decode("ascii") for name in names), b"".join(chosen)


def _signature(signer: Signer, names: str, covered: bytes, digest: str, now: int) -> bytes:
    """One field.  RFC 6376 §3.5; what is signed ends with the field itself, its ``b=`` empty (§3.7)."""
    field = (
        f"DKIM-Signature: v=1; a={signer.algorithm}; c=relaxed/relaxed; d={signer.domain};\r\n"
        f"\ts={signer.selector}; t={now};\r\n"
        f"\th={_fold(names, ':')};\r\n"
        f"\tbh={digest};\r\n"
        "\tb="
    ).encode("ascii")
    signature = _base64(signer.sign(covered + relaxed_field(field).removesuffix(b"\r\n")))
    lines = [signature[i : i + LINE] for i in range(0, len(signature), LINE)]
    return field + "\r\n\t ".join(lines).encode("ascii") + b"\r\n"


def _fold(text: str, separator: str) -> str:
    """Lines of some 72 characters, broken behind separators."""
    lines = [""]
    for part in text.split(separator):
        if len(lines[-1]) + len(part) > LINE:
            lines.append("")
        lines[-1] += part + separator
    return "\r\n\t ".join(lines).removesuffix(separator)


def relaxed_field(field: bytes) -> bytes:
    """A whole header field in the form "relaxed", with CRLF behind it (RFC 6376 §3.4.2)."""
    name, _, value = field.partition(b":")
    value = _RUNS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return b"%s:%s\r\n" % (name.rstrip(b" \t").lower(), value)
