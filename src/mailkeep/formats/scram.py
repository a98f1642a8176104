"""SCRAM-SHA-256 (RFC 5802, RFC 7677), server side: a password is proved and never sent.

What the server keeps is a `Verifier`, from which nobody can log in, but against which passwords can be tried.
With SCRAM-SHA-256-PLUS the client proves, too, that it speaks to this server over this TLS (channel binding).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import stringprep
import unicodedata
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mailkeep.formats.sasl import Challenge, SaslError

NAME: Final = "SCRAM-SHA-256"
PLUS: Final = "SCRAM-SHA-256-PLUS"
# RFC 7677 §4 asks for 4096 at least, of a time when machines were slower.  Clients with Cyrus SASL (mbsync, mutt)
# take no more than 65,536: "iteration-count is too big, refusing to compute".
ROUNDS: Final = 65_536
SALT: Final = 16  # octets
MAX_MESSAGE: Final = 8192  # octets of a client's message; a password is never in it, so that it is short
MAX_ROUNDS: Final = 10_000_000

_FIRST: Final = re.compile(r"(?P<gs2>(?P<flag>[ny]|p=[A-Za-z0-9.-]+),(?:a=(?P<authzid>[^,\0]+))?,)(?P<bare>[^\0]+)")
_BARE: Final = re.compile(r"n=(?P<user>[^,]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,]+)*")
_FINAL: Final = re.compile(
    r"(?P<bare>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*),p=(?P<proof>[A-Za-z0-9+/=]+)"
)
_ESCAPE: Final = re.compile(r"=(2C|3D)?")
_KEPT: Final = re.compile(r"SCRAM-SHA-256\$([0-9]{1,8}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True, repr=False)
class Verifier:
    """What proves and disproves passwords (RFC 5802 §3)."""

    rounds: int
    salt: bytes
    stored_key: bytes
    server_key: bytes

    def encode(self) -> str:
        """As text, in the form of RFC 5803 §2."""
        salt, stored, server = (
            b64encode(part).decode("ascii") for part in (self.salt, self.stored_key, self.server_key)
        )
        return f"{NAME}${self.rounds}:{salt}${stored}:{server}"


def decode_verifier(text: str) -> Verifier:
    """What `Verifier.encode` made.  Raises: ValueError."""
    found = _KEPT.fullmatch(text)
    if found is None or not 0 < int(found[1]) <= MAX_ROUNDS:
        raise ValueError("This is no verifier of SCRAM-SHA-256")
    salt, stored, server = (b64decode(part, validate=True) for part in found.groups()[1:])
    return Verifier(int(found[1]), salt, stored, server)


def make_verifier(password: str, salt: bytes, rounds: int = ROUNDS) -> Verifier:
    """The verifier of a password.  It takes a core for a tenth of a second: in a thread, then."""
    salted = hashlib.pbkdf2_hmac("sha256", prepare(password).encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return Verifier(rounds, salt, stored, hmac.digest(salted, b"Server Key", "sha256"))


def pretend_verifier(salt: bytes, rounds: int = ROUNDS) -> Verifier:
    """A verifier that no password fits; if a name always has the same `salt`, nobody sees that it is none."""
    return Verifier(rounds, salt, secrets.token_bytes(32), secrets.token_bytes(32))


def prepare(password: str) -> str:
    """A password as clients hash it: SASLprep (RFC 4013 §2.1, §2.2) without what it forbids."""
    mapped = (" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    return unicodedata.normalize("NFKC", "".join(mapped))


@dataclass(frozen=True, slots=True)
class Named:
    """The client has said who it is: `Scram.challenge` wants a verifier."""

    user: str


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """The client has tried to prove it.  `signature` proves the server to it.

    `verifier`: that of the password which it knows; None: it knows none of them.
    """

    verifier: Verifier | None
    signature: Challenge


class Scram:
    """One exchange: `begin`, `challenge`, `prove`, in this order.

    What SASL adds around it: the first message may have to be asked for, and after `signature` the client sends an
    empty response where the protocol cannot tell it together with success (RFC 5802 §5).
    """

    def __init__(
        self, nonce: str | None = None, *, bindings: Mapping[str, bytes] | None = None, plus: bool = False
    ) -> None:
        """`bindings`: of the channel, by name; if there are any, the mechanism with `plus` is offered.

        `nonce`: of the server, for tests.
        """
        self._nonce = nonce or secrets.token_urlsafe(24)
        self._bindings = bindings or {}
        self._plus = plus
        self._gs2 = ""
        self._binding = b""
        self._first = ""
        self._server_first = ""
        self._verifiers: tuple[Verifier, ...] = ()

    def begin(self, message: bytes) -> Named:
        """The client's first message.  Raises: SaslError."""
        found = _FIRST.fullmatch(_text(message))
        bare = _BARE.fullmatch(found["bare"]) if found is not None else None
        if found is None or bare is None:
            raise SaslError("The first message of SCRAM is not well-formed")
        self._binding = self._bind(found["flag"])
        user = _name(bare["user"])
        if found["authzid"] is not None and _name(found["authzid"]) != user:
            raise SaslError("Acting for another user is not supported")
        self._gs2, self._first = found["gs2"], found["bare"]
        self._nonce = bare["nonce"] + self._nonce
        return Named(user)

    def _bind(self, flag: str) -> bytes:
        """What binds the exchange to its channel, b"" for nothing.  RFC 5802 §6.  Raises: SaslError."""
        if self._plus != flag.startswith("p="):
            raise SaslError("Channel binding belongs to SCRAM-SHA-256-PLUS, and to nothing else")
        if flag == "y" and self._bindings:
            # The client believes that we have none: somebody in between has taken it out of what we offer.
            raise SaslError("Channel binding is supported, but the client has not seen that")
        if not self._plus:
            return b""
        binding = self._bindings.get(flag.removeprefix("p="))
        if binding is None:
            raise SaslError("This type of channel binding is not supported")
        return binding

    def challenge(self, *verifiers: Verifier) -> Challenge:
        """What the client needs to prove that it knows one of the passwords; all have the same salt and rounds."""
        self._verifiers = verifiers
        salt = b64encode(verifiers[0].salt).decode("ascii")
        self._server_first = f"r={self._nonce},s={salt},i={verifiers[0].rounds}"
        return Challenge(self._server_first.encode())

    def prove(self, message: bytes) -> Proof:
        """The client's last message.  Raises: SaslError."""
        found = _FINAL.fullmatch(_text(message))
        if found is None:
            raise SaslError("The last message of SCRAM is not well-formed")
        if found["nonce"] != self._nonce or not hmac.compare_digest(
            _octets(found["binding"]), self._gs2.encode() + self._binding
        ):
            raise SaslError("The last message of SCRAM does not belong to the first")
        proof = _octets(found["proof"])
        said = f"{self._first},{self._server_first},{found['bare']}".encode()
        proved = None
        for verifier in self._verifiers:  # all of them: how long it takes does not tell which
            proved = verifier if _proves(proof, verifier, said) else proved
        signature = hmac.digest((proved or self._verifiers[0]).server_key, said, "sha256")
        return Proof(proved, Challenge(b"v=" + b64encode(signature)))


def _proves(proof: bytes, verifier: Verifier, said: bytes) -> bool:
    signature = hmac.digest(verifier.stored_key, said, "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=False))
    stored = hashlib.sha256(client_key).digest()
    return len(proof) == len(signature) and hmac.compare_digest(stored, verifier.stored_key)


def _text(message: bytes) -> str:
    if len(message) > MAX_MESSAGE:
        raise SaslError("The message of SCRAM is too long")
    try:
        return message.decode()
    except UnicodeDecodeError as error:
        raise SaslError("User names are UTF-8") from error


def _name(text: str) -> str:
    """A name without its escapes: ``=2C`` is a comma, ``=3D`` an equals sign.  Raises: SaslError."""
    if any(not found[1] for found in _ESCAPE.finditer(text)):
        raise SaslError("The user name is not well-formed")
    return text.replace("=2C", ",").replace("=3D", "=")


def _octets(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except Error as error:
        raise SaslError("This is not base64") from error
