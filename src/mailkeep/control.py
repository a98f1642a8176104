"""The door for the command line: administrative verbs over a unix socket, in frames of bounded length.

A frame is four octets of length (network order) and that many octets of msgpack.  A request is
[name, version, arguments], arguments a map of plain values; the answer is ["ok", value] or ["error", kind, text].
"""

from __future__ import annotations

from pathlib import Path

VERSION = 1


class NotRunning(Exception):
    """No server listens on the control socket."""


class OutcomeUnknown(Exception):
    """The request was sent, but the answer never came: it may have been carried out, or not."""


def call(socket: Path, verb: str, arguments: dict[str, object], *, timeout_s: float = 300.0) -> object:
    """Have the running server carry out `verb`, and return its plain answer.

    Raises: NotRunning (nothing was sent), OutcomeUnknown, MailError (what the verb raised, of the same class).
    """
    raise NotRunning(f"{socket}{verb}{arguments}{timeout_s}")
