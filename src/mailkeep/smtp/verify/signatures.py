"""What DKIM and ARC have in common: a header field that signs others, and the key that it names (RFC 6376).

The work is dkimpy's, with bounds before it: its expressions take the square of a run of white space, its arithmetic the
cube of a key's size, its lists the product of fields and names.  Everything here is pure, and runs in a thread.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import dkim  # type: ignore[import-untyped]
from dkim.util import InvalidTagValueList, parse_tag_value  # type: ignore[import-untyped]

from mailkeep.formats.dkim_body import BodyHash, BodyHasher
from mailkeep.model.address import parse_domain
from mailkeep.model.errors import Invalid
from mailkeep.net.resolver import DnsFault
from mailkeep.smtp.verify.header import Field, Header

MAX_FIELDS: Final = 1000  # of a header
MAX_FIELD: Final = 64 * 1024  # octets of a field that is signed
MAX_SIGNATURE: Final = 16 * 1024  # octets of a field that signs
MAX_SIGNED: Final = 200  # names in h=
MIN_KEY_BITS: Final = 1024  # RFC 8301 §3.2
MAX_KEY_BITS: Final = 4096
MAX_EXPONENT_BITS: Final = 64
_TOO_MUCH_SPACE: Final = re.compile(rb"\s{128}")
_SPACE: Final = re.compile(rb"\s+")
_SELECTOR: Final = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]+={0,2}")

Keys = Mapping[str, bytes | DnsFault | None]
"""Texts of the keys by the names at which they are; None where there is nothing."""
Hashes = Mapping[bool, BodyHash]
"""Of the body: by whether its canonicalization is relaxed."""


class Refused(Exception):
    """A signature that does not count.  `result` is a word of RFC 8601 §2.7.1, `reason` says why."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signature:
    """One field that signs: `at` is its place among the fields of the header, `tags` are what it says."""

    at: int
    tags: Mapping[bytes, bytes]
    domain: str
    selector: str

    @property
    def key_name(self) -> str:
        """Where DNS has the key (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def relaxed_body(self) -> bool:
        """Whether the body's canonicalization is relaxed."""
        return self.tags.get(b"c", b"simple/simple").partition(b"/")[2].strip() == b"relaxed"

    @property
    def algorithm(self) -> str:
        """`a=` as it is written."""
        return self.tags[b"a"].decode("ascii", "replace")


def read_signature(header: Header, at: int, needed: Sequence[bytes], *, arc: bool) -> Signature:
    """The signature at place `at` of the header.  Raises: Refused."""
    value = header.fields[at][1]
    if len(value) > MAX_SIGNATURE or _TOO_MUCH_SPACE.search(value):
        raise Refused("neutral", "the signature is too long")
    try:
        tags = parse_tag_value(value)
        dkim.validate_signature_fields(tags, needed, arc)
        domain = parse_domain(tags[b"d"].decode("utf-8"))
    except (dkim.DKIMException, InvalidTagValueList, UnicodeDecodeError, ValueError, LookupError, Invalid) as error:
        raise Refused("permerror", _said(error)) from error
    if not tags.get(b"l", b"0").isdigit():
        raise Refused("permerror", "l= is no number")
    if tags[b"a"] == b"rsa-sha1":  # RFC 8301 §3.1
        raise Refused("permerror", "SHA-1 is no longer a signature")
    if not _SELECTOR.fullmatch(tags[b"s"]) or "." not in domain:
        raise Refused("permerror", "no key can have that name")
    return Signature(at, tags, domain, tags[b"s"].decode("ascii"))


def names_in(tags: Mapping[bytes, bytes]) -> list[bytes]:
    """The names in `h=`, in lower case and in order.  Raises: Refused."""
    names = [name.strip().lower() for name in tags[b"h"].split(b":")]
    if len(names) > MAX_SIGNED:
        raise Refused("permerror", "too many fields are signed")
    return names


def check_body(signature: Signature, hashes: Hashes) -> None:
    """Whether the signature is of this body (RFC 6376 §3.7), and of all of it.  Raises: Refused."""
    body = hashes[signature.relaxed_body]
    length = signature.tags.get(b"l")
    if length is not None and int(length) < body.size:
        # what follows could be anybody's, and would look as if it were signed (RFC 6376 §8.2)
        raise Refused("policy", "only a part of the body is signed")
    if length is not None and int(length) > body.size:
        raise Refused("fail", "the body is shorter than when it was signed")
    claimed = _SPACE.sub(b"", signature.tags[b"bh"])
    if claimed != base64.b64encode(body.digest):
        raise Refused("fail", "the body has been changed")


class Verifier(dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    """dkimpy's signer with a header that we have split, and keys that we have."""

    def __init__(self, header: Header, keys: Keys) -> None:
        super().__init__(minkey=MIN_KEY_BITS)
        if len(header.fields) > MAX_FIELDS or any(len(value) > MAX_FIELD for _, value in header.fields):
            raise Refused("permerror", "the header is too large to be checked")
        self.headers: Sequence[Field] = [(name, _crlf(value)) for name, value in header.fields]
        self._keys = keys

    def verify_header(self, signature: Signature, names: list[bytes], field: Field) -> None:
        """Whether `signature`, which is `field`, is of these fields by this key.  Raises: Refused."""
        tags = {tag: value for tag, value in signature.tags.items() if tag != b"bh"}  # dkimpy has no body to compare
        try:
            self.pk, self.keysize, self.ktag, self.seqtlsrpt = self._key(signature)
            valid = self.verify_sig_process(tags, names, (field[0], _crlf(field[1])), None)
        except (dkim.DKIMException, AssertionError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise Refused("permerror", _said(error)) from error
        if not valid:
            raise Refused("fail", "the header has been changed, or the key is another")

    def _key(self, signature: Signature) -> tuple[Any, int, bytes, bool]:
        """The key as dkimpy has it.  Raises: Refused, dkim.KeyFormatError, ValueError."""
        text = self._keys.get(signature.key_name)
        if isinstance(text, DnsFault):
            raise Refused("temperror", "a name server does not answer")
        if text is None:
            raise Refused("permerror", "there is no key")
        key = read_key(text, signature)
        if key[2] == b"rsa" and (
            key[1] > MAX_KEY_BITS or key[0]["publicExponent"].bit_length() > MAX_EXPONENT_BITS or not key[0]["modulus"]
        ):
            raise Refused("permerror", "the key is too large")
        return key


def read_key(text: bytes, signature: Signature) -> tuple[Any, int, bytes, bool]:
    """The key in a TXT record (RFC 6376 §3.6.1).  Raises: Refused, dkim.KeyFormatError, ValueError."""
    try:
        tags = parse_tag_value(text)
    except InvalidTagValueList as error:
        raise Refused("permerror", "the key cannot be read") from error
    public = _SPACE.sub(b"", tags.get(b"p", b""))
    if not public:
        raise Refused("permerror", "the key has been revoked")
    if not _BASE64.fullmatch(public):
        raise Refused("permerror", "the key cannot be read")
    words = _SPACE.sub(b"", signature.tags[b"a"]).split(b"-")
    if tags.get(b"k", b"rsa") != words[0] or words[-1] not in tags.get(b"h", words[-1]).replace(b" ", b"").split(b":"):
        raise Refused("permerror", "the key is for another algorithm")
    if not {b"*", b"email"} & set(tags.get(b"s", b"*").replace(b" ", b"").split(b":")):
        raise Refused("permerror", "the key is not for mail")
    if b"s" in tags.get(b"t", b"").replace(b" ", b"").split(b":") and not _is_of_domain(signature):
        raise Refused("permerror", "the key is not for subdomains")
    canonical = b"; ".join(tag + b"=" + value for tag, value in {**tags, b"p": public}.items() if tag != b"s")
    key: tuple[Any, int, bytes, bool] = dkim.evaluate_pk(signature.key_name, canonical)
    return key


def _is_of_domain(signature: Signature) -> bool:
    """Whether `i=` has the very domain of `d=`, as a key with ``t=s`` asks (RFC 6376 §3.6.1)."""
    identity = signature.tags.get(b"i")
    return identity is None or identity.rpartition(b"@")[2].lower() == signature.tags[b"d"].lower()


def hash_bodies(pieces: Iterable[bytes], skip: int, kinds: Iterable[bool]) -> dict[bool, BodyHash]:
    """The hashes of a body in the canonicalizations asked for (relaxed: True); `skip` octets are the header."""
    hashers = {relaxed: BodyHasher(relaxed=relaxed) for relaxed in kinds}
    for piece in pieces:
        rest = piece[skip:]
        skip = max(0, skip - len(piece))
        for start in range(0, len(rest), 64 * 1024):  # each call of `write` keeps the interpreter's lock for long
            for hasher in hashers.values():
                hasher.write(rest[start : start + 64 * 1024])
    return {relaxed: hasher.finish() for relaxed, hasher in hashers.items()}


def _crlf(value: bytes) -> bytes:
    """A value with the line ends that signers sign."""
    return value if b"\n" not in value.replace(b"\r\n", b"") else re.sub(rb"\r?\n", b"\r\n", value)


def _said(error: Exception) -> str:
    """What a library says of an error, without what the message said."""
    if isinstance(error, binascii.Error | UnicodeDecodeError | Invalid | ValueError | LookupError | TypeError):
        return "it cannot be read"
    text = str(error).partition("(")[0].strip()
    return text if text.isascii() and text.isprintable() and len(text) < 80 else "it cannot be read"
