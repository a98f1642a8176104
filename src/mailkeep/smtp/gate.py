"""Whether a stranger may address a recipient at all: asked before there is a message to look at."""

from __future__ import annotations

from typing import Protocol

from mailkeep.smtp.wire.reply import Reply


class Gate(Protocol):
    """Asked for each recipient that strangers name, once it is known that the recipient exists."""

    async def admit(self, peer: str, helo: str, reverse_path: str, recipient: str) -> Reply | None:
        """The reply that refuses the recipient, for now or for good; None lets him in.

        `peer` is the client's IP address, "" on a unix socket.  Must not raise: a gate that cannot tell lets in.
        """
        ...


class Open:
    """Lets everybody in."""

    async def admit(self, peer: str, helo: str, reverse_path: str, recipient: str) -> Reply | None:  # noqa: ARG002
        """See `Gate`."""
        return None
