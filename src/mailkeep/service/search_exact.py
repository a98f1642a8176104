"""Texts compared otherwise than folded (RFC 5255 §4): what folding finds is looked at again, as it is written.

Folding takes out more than these comparators do, so nothing is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from mailkeep.formats.collation import Comparator, collation_key
from mailkeep.formats.mime.scan import scan
from mailkeep.formats.mime.text import body_texts, field_texts, header_text
from mailkeep.model import query as q
from mailkeep.service.search_plan import Exact
from mailkeep.service.segment import BODY, HEAD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from mmap import mmap

    from mailkeep.formats.mime.scan import Part
    from mailkeep.service.search_fresh import Source

_COMPARATORS: Final = {q.Letters.ASCII: Comparator.ASCII, q.Letters.OCTET: Comparator.OCTET}


def confirm(sources: Sequence[Source], exact: Exact) -> list[int]:
    """The messages that hold it; for a thread.  Raises: Unavailable."""
    comparator = _COMPARATORS[exact.letters]
    needle = collation_key(exact.text, comparator)
    found: list[int] = []
    for source in sources:
        data = source.read()
        if any(needle in collation_key(text, comparator) for text in _texts(scan(data), data, exact)):
            found.append(source.message)
    return found


def _texts(part: Part, data: bytes | mmap, exact: Exact) -> Iterable[str]:
    probe = exact.probe
    if probe.place == BODY:
        return body_texts(part, data)
    if probe.place != HEAD:
        return field_texts(part, data, probe.place.encode())
    return field_texts(part, data, probe.field) if probe.field else (header_text(part, data),)
