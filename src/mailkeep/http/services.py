"""What the modules of routes are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mailkeep.service.wellknown import Site


class Answers(Protocol):
    """What authorities of certificates ask for."""

    def find_answer(self, token: str) -> str | None:
        """What the challenge of this token has to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpServices:
    """What routes ask.

    Attributes: `site`, `is_local` (whether a domain, in A-labels, is served here; raises Unavailable), `challenges`,
    `sign_profile` (a configuration profile with the server's signature, or as it is where the certificate cannot
    give one; computes, and reads files), `find_key` (of a domain, under the hash of a Web Key Directory; raises
    Unavailable).
    """

    site: Site
    is_local: Callable[[str], bool]
    challenges: Answers
    sign_profile: Callable[[bytes], bytes]
    find_key: Callable[[str, str], bytes | None]
