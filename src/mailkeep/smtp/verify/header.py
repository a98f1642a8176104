"""The header of a message that arrives: its fields, where its body begins, and who it says it is from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailkeep.formats.mime.address import MISSING_DOMAIN, parse_addresses
from mailkeep.formats.mime.header import split_fields
from mailkeep.model.address import parse_domain
from mailkeep.model.errors import Invalid
from mailkeep.service.spool import Octets

MAX_HEADER: Final = 256 * 1024  # octets; what is larger is refused, or the rest would go unseen
MAX_FROM: Final = 8 * 1024  # octets of a From field that is looked at
MAX_FROMS: Final = 4  # From fields that are looked at; there must be one
MAX_AUTHORS: Final = 4  # domains of them whose policies are asked for
_END: Final = re.compile(rb"(?:\A|\n)\r?\n")

Field = tuple[bytes, bytes]
"""A name as written, and all octets after the colon, line end included."""


class HeaderTooLarge(Exception):
    """There is no end of the header within `MAX_HEADER` octets."""


@dataclass(frozen=True, slots=True)
class Header:
    """`octets`: all before the body, the empty line included; `fields` of it in order."""

    octets: bytes
    fields: tuple[Field, ...]

    @property
    def size(self) -> int:
        """Octets before the body."""
        return len(self.octets)

    def values(self, name: bytes) -> list[bytes]:
        """The values of all fields called `name` (lower case)."""
        return [value for written, value in self.fields if written.lower() == name]


def read_head(octets: Octets) -> bytes:
    """All octets of a message before its body.  Raises: HeaderTooLarge, Unavailable (the spool cannot be read)."""
    head = octets.head(MAX_HEADER)
    end = _END.search(head)
    if end is not None:
        return head[: end.end()]
    if octets.size > len(head):
        raise HeaderTooLarge
    return head


def parse_header(head: bytes) -> Header:
    """The fields of what `read_head` gives; lines that belong to no field are left out."""
    return Header(head, tuple(map(_field, split_fields(head))))


def _field(named: tuple[bytes, bytes]) -> Field:
    name, _, value = named[1].partition(b":")
    return name.rstrip(b" \t"), value


@dataclass(frozen=True, slots=True)
class Authors:
    """The domains that a message says it is from: A-labels, each once.

    `doubtful`: there is no single address, or one that cannot be read, so that a reader may see another.
    """

    domains: tuple[str, ...]
    doubtful: bool


def read_authors(header: Header) -> Authors:
    """Who the From field says a message is from (RFC 9989 §5.3.1, §11.5)."""
    domains: dict[str, None] = {}
    values = header.values(b"from")
    doubtful = len(values) != 1 or any(len(value) > MAX_FROM for value in values)
    for value in values[:MAX_FROMS]:
        for address in parse_addresses(value[:MAX_FROM]):
            if len(domains) > MAX_AUTHORS:
                break
            if address.domain is None:  # the start or end of a group
                continue
            doubtful = doubtful or not _is_plain(value, address.domain)
            try:
                if address.domain == MISSING_DOMAIN:
                    raise Invalid("There is none")
                domains[parse_domain(address.domain.decode("utf-8"))] = None
            except (UnicodeDecodeError, Invalid):
                doubtful = True
    few = tuple(domains)[:MAX_AUTHORS]
    return Authors(few, doubtful or not few or len(domains) > len(few))


def _is_plain(value: bytes, domain: bytes) -> bool:
    """Whether a domain stands in a From field as it was read: of odd ones, such as ``@a@b``, others read another."""
    return re.search(rb"@" + re.escape(domain) + rb"(?=[\s<>,;(]|\Z)", value) is not None
