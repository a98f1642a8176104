"""What the server and the process of a hook say to each other: a length of four octets, big-endian, and msgpack."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

MAX_SAID: Final = 64 * 1024  # octets of a frame from a hook
LENGTH: Final = struct.Struct("!I")


class Ask(msgspec.Struct, frozen=True):
    """A message; see `mailkeep.hook.Message`."""

    peer: str
    peer_name: str
    helo: str
    tls: bool
    sender: str
    recipients: tuple[str, ...]
    size: int
    fields: bytes
    data: bytes | None
    path: str | None


class AskLogin(msgspec.Struct, frozen=True):
    """Somebody who logs in; see `mailkeep.hook.Login`."""

    user: str
    password: str
    service: str
    peer: str


class SaidLogin(msgspec.Struct, frozen=True):
    """The address of the account that is his, None for none; or with `fault`, why nobody can tell."""

    address: str | None = None
    fault: str = ""


class Said(msgspec.Struct, frozen=True):
    """A decision; or with `fault`, why there is none."""

    action: str = "accept"
    text: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    fault: str = ""


def encode(value: Ask | Said | AskLogin | SaidLogin) -> bytes:
    """A frame.  Raises: UnicodeEncodeError."""
    data = msgspec.msgpack.encode(value)
    return LENGTH.pack(len(data)) + data
