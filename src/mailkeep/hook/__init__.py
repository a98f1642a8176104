"""Hooks: Python of your own that decides what becomes of mail from strangers, and who may log in.

The option ``filter.hook`` names a file with a function `on_delivery`, which gets a `Message` and returns a `Decision`,
or None to let the message pass::

    from mailkeep.hook import JUNK, Decision, Message, reject

    def on_delivery(message: Message) -> Decision | None:
        if message.sender.endswith("@competitor.example"):
            return reject("No, thank you")
        if "lottery" in str(message.email["Subject"]).lower():
            return JUNK
        return Decision(headers=(("X-Seen-By", "our hook"),))

The option ``auth.hook`` names a file with a function `on_login`, which gets a `Login` and returns the address of the
account that is opened, or None when user or password are wrong; it is asked where no password that is kept here fits::

    from mailkeep.hook import Login

    def on_login(login: Login) -> str | None:
        return f"{login.user}@example.org" if billing.check(login.user, login.password) else None

Whatever it raises is a passing fault: the client is told to try again later.

A hook runs in a process of its own, one question at a time, which is killed when it takes longer than
``filter.timeout`` or ``auth.hook_timeout``.
What it has loaded and remembers stays from one message to the next, as long as nothing goes wrong; several processes
run if there is much to do, so it cannot count on being the only one.
"""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final

__all__ = ["ACCEPT", "DISCARD", "JUNK", "Action", "Decision", "Login", "Message", "defer", "reject"]


class Action(StrEnum):
    """What is to become of a message."""

    ACCEPT = "accept"
    JUNK = "junk"  # it goes into the mailbox Junk
    DISCARD = "discard"  # the sender is told that it was taken, and it is dropped
    DEFER = "defer"  # the sender's server is to try again later
    REJECT = "reject"  # the sender is told that it was refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`text` is told to the sender with DEFER and REJECT; `headers` are (name, value) to put before the message."""

    action: Action = Action.ACCEPT
    text: str = ""
    headers: tuple[tuple[str, str], ...] = ()


ACCEPT: Final = Decision()
JUNK: Final = Decision(action=Action.JUNK)
DISCARD: Final = Decision(action=Action.DISCARD)


def reject(text: str) -> Decision:
    """Refuse the message for good, and say why."""
    return Decision(action=Action.REJECT, text=text)


def defer(text: str) -> Decision:
    """Have the sender's server try again later."""
    return Decision(action=Action.DEFER, text=text)


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message that a stranger wants to deliver, and from whom and to whom.

    `peer`: the client's IP address, "" for this machine; `peer_name` its name in DNS, or "".  `helo`: what it calls
    itself.  `sender` is the envelope's, "" for reports; so are `recipients`.  `size` in octets.
    """

    peer: str
    peer_name: str
    helo: str
    tls: bool
    sender: str
    recipients: tuple[str, ...]
    size: int
    fields: bytes  # header lines that this server puts before the message, such as Authentication-Results
    data: bytes | None  # the message, unless it is large,
    path: Path | None  # and then where it is, for as long as the hook looks at it

    @cached_property
    def octets(self) -> bytes:
        """The message as it came."""
        if self.path is not None:
            return self.path.read_bytes()
        return self.data or b""

    @cached_property
    def email(self) -> EmailMessage:
        """The message with `fields`, parsed."""
        return email.message_from_bytes(self.fields + self.octets, policy=email.policy.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Somebody who wants to log in.

    `user`: what he typed, an address in its normal form.  `service`: imap, pop3, smtp or http.  `peer`: the client's IP
    address, "" for this machine.
    """

    user: str
    password: str = field(repr=False)
    service: str
    peer: str
