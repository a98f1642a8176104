"""SASL mechanisms that carry a password, server side: PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login).

Octets here are the mechanism's own: base64 and "cancelled" belong to the protocol that carries the exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol


class SaslError(ValueError):
    """The client's response does not follow the mechanism, or asks for what we do not do.  The text is safe to show."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What to send next; the client answers it."""

    octets: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """The end of an exchange: a name and a password, to be checked by somebody else."""

    user: str
    password: str


class Exchange(Protocol):
    """One run of a mechanism."""

    def step(self, response: bytes | None) -> Challenge | Credentials:
        """Take the client's next response; None begins an exchange without an initial response.

        Raises: SaslError.
        """


class Plain:
    r"""PLAIN: ``[authzid] NUL authcid NUL passwd`` in one response, in UTF-8.

    Acting for somebody else is not done: an authzid must be empty or equal to the authcid.
    """

    def step(self, response: bytes | None) -> Challenge | Credentials:
        """See `Exchange.step`."""
        if response is None:
            return Challenge(b"")
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise SaslError("A PLAIN response has three parts, separated by NUL")
        authzid, user, password = (_text(part) for part in parts)
        if not user or not password:
            raise SaslError("User name and password must not be empty")
        if authzid not in ("", user):
            raise SaslError("Acting for another user is not supported")
        return Credentials(user, password)


class Login:
    """LOGIN: asks for the name, then for the password; the name may come as initial response.

    The prompts are the two that every client knows: Outlook looks for the words.
    """

    def __init__(self) -> None:
        self._user: str | None = None

    def step(self, response: bytes | None) -> Challenge | Credentials:
        """See `Exchange.step`."""
        if response is None:
            return Challenge(b"Username:")
        text = _text(response.removesuffix(b"\0"))  # some clients send C strings
        if not text:
            raise SaslError("User name and password must not be empty")
        if self._user is None:
            self._user = text
            return Challenge(b"Password:")
        return Credentials(self._user, text)


MECHANISMS: Final[Mapping[str, Callable[[], Exchange]]] = {"PLAIN": Plain, "LOGIN": Login}


def _text(octets: bytes) -> str:
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise SaslError("User name and password must be UTF-8") from error
    if "\0" in text:
        raise SaslError("NUL is not allowed in a user name or password")
    return text
