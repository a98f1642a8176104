"""The first words of each message, kept beside it once somebody has asked, or the index has come by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime import preview as formats
from mailkeep.model.derive import Deriver

if TYPE_CHECKING:
    from mmap import mmap

    from mailkeep.formats.mime.scan import Part


def _preview(message: Part, data: bytes | mmap) -> bytes:
    """In UTF-8."""
    return formats.preview(message, data).encode("utf-8", "replace")


PREVIEW: Final[Deriver[Part]] = Deriver("preview", formats.VERSION, _preview, lazily=True)
