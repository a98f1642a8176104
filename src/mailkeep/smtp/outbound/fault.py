"""What ends an attempt at a host, and the patience with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailkeep.model.envelope import Outcome

NO_TLS: Final = "4.7.5"  # the host has not the TLS that it must have (RFC 3463: cryptographic failure)


class Fault(Exception):
    """The dialogue with a host is over; what it has not answered has this outcome.

    `is_uncertain`: the message was sent whole and nothing was answered, so that it may have been taken.
    `is_silent`: the address does not even refuse a connection.
    """

    def __init__(self, outcome: Outcome, *, is_uncertain: bool = False, is_silent: bool = False) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome
        self.is_uncertain = is_uncertain
        self.is_silent = is_silent


class Lost(Exception):
    """The connection is gone, silent for too long, or not understood.  The text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait, in seconds (RFC 5321 §4.5.3.2)."""

    connect_s: float = 20
    handshake_s: float = 60
    greeting_s: float = 300
    command_s: float = 300  # MAIL, RCPT and all others
    data_s: float = 120  # for 354
    block_s: float = 180  # until a piece of the message has been taken
    end_s: float = 600  # for the answer to the message
    place_s: float = 60  # for others to be done with the same destination
    whole_s: float = 3600  # an attempt at a domain, with all its hosts
