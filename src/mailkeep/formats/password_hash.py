"""Hashes of passwords in the forms in which systems keep them, so that accounts can move in with theirs.

FORMS has one row for each; new hashes are argon2id always, made elsewhere.  `import_hash` takes the spelling of others
(Dovecot's ``{SCHEME}`` in front) to the one that is kept; `fits` tells whether a password belongs to what is kept.
Checking takes a core for up to a second: in a thread, then.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode
from binascii import Error, unhexlify
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import bcrypt
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError, VerifyMismatchError

from mailkeep.formats.scram import decode_verifier, make_verifier
from mailkeep.formats.sha_crypt import ROUNDS as SHA_CRYPT_ROUNDS
from mailkeep.formats.sha_crypt import sha_crypt

LONGEST: Final = 1024  # characters
# What one login may cost.  Somebody else chose these numbers; they must not hold up everybody.
MAX_ROUNDS: Final = 3_000_000  # of PBKDF2: a second or two
MAX_SHA_CRYPT_ROUNDS: Final = 500_000  # a second, during which others wait for Python
MAX_BCRYPT_COST: Final = 15
MAX_MEMORY: Final = 256 << 20  # octets
MAX_WORK: Final = 2 << 30  # of argon2 and scrypt: memory × passes
BCRYPT_OCTETS: Final = 72  # further ones are ignored

_ITOA64: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class BadHash(ValueError):
    """It is no hash that we can check; the text says why and never repeats it."""


@dataclass(frozen=True, slots=True)
class Form:
    """`fits`: whether a password belongs to a hash; given what the pattern found.  It may raise ValueError."""

    pattern: re.Pattern[str]
    fits: Callable[[re.Match[str], bytes], bool]


def fits(stored: str, password: str) -> bool:
    """Whether the password belongs to what is kept.  Raises: BadHash (that is no hash in any form)."""
    try:
        found, form = _recognize(stored)
        return form.fits(found, password.encode())
    except (ValueError, Error, MemoryError) as error:
        raise BadHash("What is kept of the password is damaged") from error


def import_hash(text: str) -> str:
    """A hash as others write it, in the form in which it is kept.

    Raises: BadHash (an unknown form, damaged, or dearer than a login may be; or a password in the clear).
    """
    text = _without_scheme(text.strip())
    if text.startswith("$2y$"):
        text = "$2b$" + text[4:]
    _require_cheap(text)
    fits(text, "nobody's password")  # what is damaged shows here
    return text


def _recognize(stored: str) -> tuple[re.Match[str], Form]:
    for form in FORMS:
        if found := form.pattern.fullmatch(stored):
            return found, form
    raise ValueError("an unknown form")


# --- the spelling of others

_SCHEME: Final = re.compile(r"\{([A-Za-z0-9-]+)(?:\.(b64|base64|hex))?\}(.*)", re.DOTALL | re.IGNORECASE)
_AS_IT_IS: Final = frozenset(
    ("ARGON2I", "ARGON2ID", "BLF-CRYPT", "CRYPT", "PBKDF2", "SCRYPT", "SHA256-CRYPT", "SHA512-CRYPT")
)
_SIZES: Final = {"SHA": ("sha1", 20), "SHA1": ("sha1", 20), "SHA256": ("sha256", 32), "SHA512": ("sha512", 64)}
_DIGESTS: Final[Mapping[str, tuple[str, int]]] = {**_SIZES, **{f"S{name}": kind for name, kind in _SIZES.items()}}


def _without_scheme(text: str) -> str:
    if len(text) > LONGEST or not text.isascii() or not text.isprintable():
        raise BadHash("A hash is a line of printable ASCII characters")
    found = _SCHEME.fullmatch(text)
    if found is None:
        return text
    scheme, encoding, rest = found[1].upper(), found[2], found[3]
    if scheme in ("PLAIN", "CLEARTEXT", "CLEAR"):
        raise BadHash("This is a password in the clear: set it as a password")
    if scheme in _AS_IT_IS and encoding is None:
        return _dovecot_pbkdf2(rest) if scheme == "PBKDF2" else rest
    if scheme in _DIGESTS:
        octets = _decoded(rest, encoding)
        return f"{{{scheme}}}{octets.hex()}"
    if scheme == "SCRAM-SHA-256" and encoding is None and rest.count(",") == 3:
        rounds, salt, stored, server = rest.split(",")
        return f"SCRAM-SHA-256${rounds}:{salt}${stored}:{server}"
    raise BadHash(f"Hashes of the scheme {scheme} cannot be checked here")


def _dovecot_pbkdf2(text: str) -> str:
    """``$1$salt$rounds$hex``; the salt is used as it is written.  The ``$1$`` stands for SHA-1."""
    return f"{{PBKDF2}}{text}" if text.startswith("$1$") else text


def _decoded(text: str, encoding: str | None) -> bytes:
    try:
        return unhexlify(text) if (encoding or "").lower() == "hex" else b64decode(text, validate=True)
    except (Error, ValueError) as error:
        raise BadHash("The hash is not well-formed") from error


# --- what a check may cost


def _require_cheap(stored: str) -> None:
    try:
        found, form = _recognize(stored)
        groups = found.groupdict()
        dear = (
            int(groups.get("rounds") or 0) > (MAX_SHA_CRYPT_ROUNDS if form.fits is _sha_crypt else MAX_ROUNDS)
            or int(groups.get("cost") or 0) > MAX_BCRYPT_COST
        )
        if form.fits is _argon2:
            wanted = extract_parameters(stored)
            dear = _too_much(wanted.memory_cost * 1024, wanted.time_cost)
        elif form.fits is _scrypt:
            dear = _too_much(128 * int(groups["r"]) << int(groups["ln"]), int(groups["p"]))
        elif form.fits is _scrypt_of_crypt:
            log_n, r, p = _parameters_of_crypt(found)
            dear = _too_much(128 * r << log_n, p)
    except (ValueError, InvalidHashError) as error:
        raise BadHash("This is no hash of a password in a form that can be checked here") from error
    if dear:
        raise BadHash("To check this hash would take too long")


def _too_much(memory: int, passes: int) -> bool:
    return memory > MAX_MEMORY or memory * passes > MAX_WORK


# --- the forms


def _argon2(found: re.Match[str], password: bytes) -> bool:
    try:
        return PasswordHasher().verify(found[0], password)
    except VerifyMismatchError:
        return False
    except (Argon2Error, InvalidHashError) as error:
        raise ValueError("damaged") from error


def _bcrypt(found: re.Match[str], password: bytes) -> bool:
    return bcrypt.checkpw(password[:BCRYPT_OCTETS], found[0].encode("ascii"))


def _sha_crypt(found: re.Match[str], password: bytes) -> bool:
    rounds = SHA_CRYPT_ROUNDS if found["rounds"] is None else max(1000, int(found["rounds"]))
    return _same_text(sha_crypt(found["kind"], password, found["salt"].encode("ascii"), rounds), found["sum"])


def _pbkdf2(found: re.Match[str], password: bytes) -> bool:
    """As passlib writes it: salt and sum in base64 with ``.`` for ``+``, without padding."""
    salt, wanted = (_unpadded(found[name].replace(".", "+")) for name in ("salt", "sum"))
    return _pbkdf2_is((found["hash"] or "-sha1")[1:], password, salt, int(found["rounds"]), wanted)


def _pbkdf2_of_django(found: re.Match[str], password: bytes) -> bool:
    wanted = b64decode(found["sum"], validate=True)
    return _pbkdf2_is(found["hash"], password, found["salt"].encode("ascii"), int(found["rounds"]), wanted)


def _pbkdf2_of_dovecot(found: re.Match[str], password: bytes) -> bool:
    wanted = unhexlify(found["sum"])
    return _pbkdf2_is("sha1", password, found["salt"].encode("ascii"), int(found["rounds"]), wanted)


def _pbkdf2_is(hash_: str, password: bytes, salt: bytes, rounds: int, wanted: bytes) -> bool:
    return hmac.compare_digest(hashlib.pbkdf2_hmac(hash_, password, salt, rounds, len(wanted)), wanted)


def _scrypt(found: re.Match[str], password: bytes) -> bool:
    salt, wanted = (_unpadded(found[name]) for name in ("salt", "sum"))
    return hmac.compare_digest(
        _scrypt_sum(password, salt, int(found["ln"]), int(found["r"]), int(found["p"]), len(wanted)), wanted
    )


def _scrypt_of_crypt(found: re.Match[str], password: bytes) -> bool:
    """As libxcrypt and libsodium write it: parameters in their own base64, the salt used as it is written."""
    digest = _scrypt_sum(password, found["salt"].encode("ascii"), *_parameters_of_crypt(found), 32)
    return _same_text(_in_base64_of_crypt(digest), found["sum"])


def _parameters_of_crypt(found: re.Match[str]) -> tuple[int, int, int]:
    log_n, *rest = (_ITOA64.index(character) for character in found["parameters"])
    r, p = (sum(value << 6 * place for place, value in enumerate(five)) for five in (rest[:5], rest[5:]))
    return log_n, r, p


def _in_base64_of_crypt(octets: bytes) -> str:
    groups = (octets[at : at + 3] for at in range(0, len(octets), 3))
    return "".join(
        _ITOA64[int.from_bytes(group, "little") >> 6 * place & 63]
        for group in groups
        for place in range(len(group) + 1)
    )


def _scrypt_sum(password: bytes, salt: bytes, log_n: int, r: int, p: int, size: int) -> bytes:
    room = (128 * r << log_n) + 128 * r * (p + 2) + (1 << 20)
    return hashlib.scrypt(password, salt=salt, n=1 << log_n, r=r, p=p, maxmem=room, dklen=size)


def _digest(found: re.Match[str], password: bytes) -> bool:
    algorithm, size = _DIGESTS[found["scheme"]]
    octets = unhexlify(found["sum"])
    wanted, salt = octets[:size], octets[size:]
    if len(wanted) < size or bool(salt) != (found["scheme"][:2] == "SS"):
        raise ValueError("damaged")
    return hmac.compare_digest(hashlib.new(algorithm, password + salt).digest(), wanted)


def _scram(found: re.Match[str], password: bytes) -> bool:
    kept = decode_verifier(found[0])
    made = make_verifier(password.decode(), kept.salt, kept.rounds)
    return hmac.compare_digest(made.stored_key, kept.stored_key)


def _unpadded(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), validate=True)


def _same_text(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("ascii"), other.encode("ascii"))


def _form(pattern: str, fits: Callable[[re.Match[str], bytes], bool]) -> Form:
    return Form(re.compile(pattern), fits)


FORMS: Final = (
    _form(
        r"\$argon2(?:id|i|d)\$v=19\$m=\d{1,8},t=\d{1,4},p=\d{1,3}\$[A-Za-z0-9+/]{8,200}\$[A-Za-z0-9+/]{16,200}",
        _argon2,
    ),
    _form(r"\$2[ab]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}", _bcrypt),
    _form(
        r"\$(?P<kind>[56])\$(?:rounds=(?P<rounds>\d{1,9})\$)?(?P<salt>[^$:\n]{0,16})\$(?P<sum>[./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})",
        _sha_crypt,
    ),
    _form(
        r"\$pbkdf2(?P<hash>-sha1|-sha256|-sha512)?\$(?P<rounds>[1-9]\d{0,8})\$(?P<salt>[./A-Za-z0-9]{0,200})\$(?P<sum>[./A-Za-z0-9]{16,200})",
        _pbkdf2,
    ),
    _form(
        r"pbkdf2_(?P<hash>sha1|sha256)\$(?P<rounds>[1-9]\d{0,8})\$(?P<salt>[^$]{1,200})\$(?P<sum>[+/=A-Za-z0-9]{16,200})",
        _pbkdf2_of_django,
    ),
    _form(
        r"\{PBKDF2\}\$1\$(?P<salt>[^$]{1,200})\$(?P<rounds>[1-9]\d{0,8})\$(?P<sum>(?:[0-9a-fA-F]{2}){10,64})",
        _pbkdf2_of_dovecot,
    ),
    _form(
        r"\$scrypt\$ln=(?P<ln>[1-9]\d?),r=(?P<r>[1-9]\d{0,2}),p=(?P<p>[1-9]\d{0,2})\$(?P<salt>[+/A-Za-z0-9]{0,200})\$(?P<sum>[+/A-Za-z0-9]{22,200})",
        _scrypt,
    ),
    _form(
        r"\$7\$(?P<parameters>[./A-Za-z0-9]{11})(?P<salt>[./A-Za-z0-9]{0,86})\$(?P<sum>[./A-Za-z0-9]{43})",
        _scrypt_of_crypt,
    ),
    _form(rf"\{{(?P<scheme>{'|'.join(_DIGESTS)})\}}(?P<sum>(?:[0-9a-f]{{2}})+)", _digest),
    _form(r"SCRAM-SHA-256\$(?P<rounds>\d{1,8}):[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+", _scram),
)  # fmt: skip
