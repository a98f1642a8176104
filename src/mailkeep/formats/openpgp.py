"""OpenPGP public keys as a Web Key Directory serves them: one key, with the one user ID that matters.

RFC 9580 §4.2 (packets), §6.2 (armor), §10.1 (what a transferable public key consists of);
draft-koch-openpgp-webkey-service (the directory).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

MAX_KEY: Final = 256 << 10  # octets, of which most are signatures of others
MAX_PACKETS: Final = 5000
_ALPHABET: Final = "ybndrfg8ejkmcpqxot1uwisza345h769"
_BEGIN: Final = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_END: Final = b"-----END PGP PUBLIC KEY BLOCK-----"

# Types of packets (RFC 9580 §5).  All others in a key (photographs, trust, padding) are left out.
_SIGNATURE: Final = 2
_SECRET: Final = (5, 7)  # key and subkey
_PRIMARY: Final = 6
_USER_ID: Final = 13
_SUBKEY: Final = 14


class Unusable(Exception):
    """Not a key that can be served; the text says why."""


@dataclass(frozen=True, slots=True)
class _Packet:
    tag: int
    whole: bytes  # with its header
    body: bytes


def serve_key(octets: bytes, is_wanted: Callable[[str], bool]) -> bytes:
    """The key in `octets` (binary or armored), in binary, without user IDs for whose address `is_wanted` is not true.

    A directory must not tell the other addresses of a person.
    Raises: Unusable (too long, damaged, a private key, several keys, no such user ID).
    """
    if len(octets) > MAX_KEY:
        raise Unusable(f"A key has at most {MAX_KEY} octets")
    kept: list[bytes] = []
    keep = named = False
    for number, packet in enumerate(_packets(_binary(octets))):
        if packet.tag in _SECRET:
            raise Unusable("This is a private key, which nobody else must see: export the public one")
        if (packet.tag == _PRIMARY) != (number == 0):
            raise Unusable("There has to be one public key, and nothing else")
        if packet.tag == _USER_ID:
            keep = is_wanted(_address_in(packet.body))
            named = named or keep
        elif packet.tag != _SIGNATURE:  # which goes with what stands before it
            keep = packet.tag in (_PRIMARY, _SUBKEY)
        if keep:
            kept.append(packet.whole)
    if not named:
        raise Unusable("The key has no user ID with this address")
    return b"".join(kept)


def _binary(octets: bytes) -> bytes:
    """Without armor, if it has any."""
    start = octets.find(_BEGIN)
    if start < 0:
        if b"-----BEGIN PGP PRIVATE" in octets[:1000]:
            raise Unusable("This is a private key, which nobody else must see: export the public one")
        return octets
    text, end, _ = octets[start + len(_BEGIN) :].partition(_END)
    lines = [line.strip() for line in text.splitlines()]
    if not end or b"" not in lines[1:]:
        raise Unusable("The key's armor is damaged")
    body = lines[lines.index(b"", 1) + 1 :]
    data = b"".join(line for line in body if not line.startswith(b"="))  # that line is a checksum
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise Unusable("The key's armor is damaged") from error


def _packets(octets: bytes) -> Iterator[_Packet]:
    at = 0
    for _ in range(MAX_PACKETS):
        if at == len(octets):
            return
        tag, body, end = _header(octets, at)
        if end > len(octets):
            raise Unusable("The key is cut off")
        yield _Packet(tag, octets[at:end], octets[body:end])
        at = end
    raise Unusable("The key has too many parts")


def _header(octets: bytes, at: int) -> tuple[int, int, int]:
    """Type of a packet, where its body begins and where it ends.  RFC 9580 §4.2."""
    first = octets[at]
    if not first & 0x80:
        raise Unusable("This is no OpenPGP key")
    if not first & 0x40:  # the legacy format
        size = 1 << (first & 3)
        if size == 8:
            raise Unusable("A part of the key has no length")
        length = int.from_bytes(octets[at + 1 : at + 1 + size], "big")
        return (first >> 2) & 15, at + 1 + size, at + 1 + size + length
    start = octets[at + 1] if at + 1 < len(octets) else 0
    if start < 192:
        size, length = 1, start
    elif start < 224:
        size, length = 2, ((start - 192) << 8) + int.from_bytes(octets[at + 2 : at + 3], "big") + 192
    elif start == 255:
        size, length = 5, int.from_bytes(octets[at + 2 : at + 6], "big")
    else:
        raise Unusable("A part of the key has no length")
    return first & 63, at + 1 + size, at + 1 + size + length


def _address_in(user_id: bytes) -> str:
    """The address of a user ID: what stands between < and >, or all of it."""
    text = user_id.decode("utf-8", "replace").strip()
    if text.endswith(">") and "<" in text:
        return text[text.rindex("<") + 1 : -1]
    return text


def directory_hash(local: str) -> str:
    """The name under which a Web Key Directory has the key of ``local@…``: 32 letters and digits.

    Letters of ASCII count in lower case; SHA-1 in z-base-32 (RFC 6189 §5.1.6).
    """
    lowered = "".join(letter.lower() if letter.isascii() else letter for letter in local)
    number = int.from_bytes(hashlib.sha1(lowered.encode(), usedforsecurity=False).digest(), "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(155, -1, -5))
