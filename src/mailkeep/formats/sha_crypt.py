"""Hashes of passwords as Unix systems keep them: SHA-256-crypt (``$5$``) and SHA-512-crypt (``$6$``).

"Unix crypt using SHA-256 and SHA-512", U. Drepper, 2008.  The standard library's module for it ends with Python 3.12.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Final

ROUNDS: Final = 5000  # where a hash does not say how many
_ALPHABET: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HASHES: Final[dict[str, Callable[[bytes], Any]]] = {"5": hashlib.sha256, "6": hashlib.sha512}


def sha_crypt(kind: str, password: bytes, salt: bytes, rounds: int) -> str:
    """What stands behind the last ``$``; `kind` is "5" or "6"."""
    new = _HASHES[kind]
    size = new(b"").digest_size
    alternate = new(password + salt + password).digest()
    first = new(password + salt + _stretched(alternate, len(password)))
    for bit in _bits(len(password)):
        first.update(alternate if bit else password)
    digest: bytes = first.digest()
    p = _stretched(new(password * len(password)).digest(), len(password))
    s = _stretched(new(salt * (16 + digest[0])).digest(), len(salt))
    for step in range(rounds):
        odd = step % 2
        digest = new(
            (p if odd else digest) + (s if step % 3 else b"") + (p if step % 7 else b"") + (digest if odd else p)
        ).digest()
    return "".join(_encoded(digest, size))


def _stretched(octets: bytes, length: int) -> bytes:
    return (octets * (length // len(octets) + 1))[:length]


def _bits(number: int) -> Iterator[int]:
    """The lowest first."""
    while number:
        yield number & 1
        number >>= 1


def _encoded(digest: bytes, size: int) -> Iterator[str]:
    """Three octets at a time give four characters; which three, the specification lists (its step 22)."""
    third = size // 3
    a, b, c = 0, third, 2 * third
    for _ in range(third):
        yield _characters(digest[a] << 16 | digest[b] << 8 | digest[c], 4)
        a, b, c = (c + 1, a + 1, b + 1) if size == 32 else (b + 1, c + 1, a + 1)
    yield _characters(digest[31] << 8 | digest[30], 3) if size == 32 else _characters(digest[63], 2)


def _characters(number: int, count: int) -> str:
    return "".join(_ALPHABET[number >> 6 * place & 63] for place in range(count))
