"""RCPT TO (RFC 5321 §4.1.1.3); no parameter is defined by the extensions that we offer."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.smtp.wire.command import WireError
from mailkeep.smtp.wire.path import parse_parameters, parse_path


@dataclass(frozen=True, slots=True)
class Rcpt:
    """One more recipient; ``postmaster`` is the only address without a domain."""

    forward_path: str


def parse(argument: str) -> Rcpt:
    """Raises: WireError."""
    path, rest = parse_path(argument, "TO", enhanced="5.1.3")
    if not path:
        raise WireError(501, "5.1.3", "A recipient cannot be empty")
    if parameters := parse_parameters(rest):
        raise WireError(555, "5.5.4", f"{parameters[0].keyword} is not supported")
    return Rcpt(path)
