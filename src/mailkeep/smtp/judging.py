"""What is decided of a message that strangers bring: by checks of who sent it, by filters, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

from mailkeep.service.spool import Octets
from mailkeep.smtp.wire.reply import Reply


class Action(Enum):
    """What is to become of the message."""

    ACCEPT = "accept"
    JUNK = "junk"  # into the mailbox whose role is \Junk
    DISCARD = "discard"  # answered with 250, and dropped
    DEFER = "defer"  # 4yz: the client will try again
    REJECT = "reject"  # 5yz


@dataclass(frozen=True, slots=True, kw_only=True)
class Arriving:
    """A message whose octets are all here and for which nothing has been answered.

    `peer`: IP address of the client, `peer_name` its verified name or "".  `user`: who has authenticated, or "".
    `octets` are as received; `fields` the header lines put before them so far (CRLF at each end), newest first.
    """

    peer: str
    peer_name: str
    helo: str
    tls: bool
    user: str
    reverse_path: str
    recipients: tuple[str, ...]
    octets: Octets
    fields: bytes = b""


@dataclass(frozen=True, slots=True)
class Opinion:
    """`reply` goes with DEFER and REJECT; `fields` are header lines to put before the message.

    `octets` take the place of the message, where a judge has changed it (see `spool.behind`); they are the caller's,
    who discards them, as those that he had given.
    """

    action: Action = Action.ACCEPT
    reply: Reply | None = None
    fields: bytes = b""
    octets: Octets | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A message as it came, as it is to be delivered, and what is thought of it."""

    came: Octets
    octets: Octets
    opinion: Opinion


class Judge(Protocol):
    """Has a say in what becomes of a message."""

    async def judge(self, arriving: Arriving) -> Opinion:
        """Must not raise: a judge that cannot tell says so by its own rule (accept, or DEFER)."""
        ...


@dataclass(frozen=True, slots=True)
class Judges:
    """All of them, in order: the first that rejects, defers or discards is the last that is asked."""

    judges: Sequence[Judge] = field(default=())

    async def judge(self, arriving: Arriving) -> Opinion:
        """The common opinion: fields of all that were asked, JUNK if any of them says so, and the octets as changed."""
        action, changed = Action.ACCEPT, None
        try:
            for judge in self.judges:
                opinion = await judge.judge(arriving)
                arriving = replace(arriving, fields=opinion.fields + arriving.fields)
                if opinion.octets is not None:
                    if changed is not None:
                        changed.discard()
                    changed = opinion.octets
                    arriving = replace(arriving, octets=changed)
                match opinion.action:
                    case Action.ACCEPT:
                        pass
                    case Action.JUNK:
                        action = Action.JUNK
                    case Action.DISCARD | Action.DEFER | Action.REJECT:
                        return replace(opinion, fields=arriving.fields, octets=changed)
        except BaseException:  # the client has gone
            if changed is not None:
                changed.discard()
            raise
        return Opinion(action, fields=arriving.fields, octets=changed)
