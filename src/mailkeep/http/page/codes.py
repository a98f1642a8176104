"""QR codes as pictures."""

from __future__ import annotations

import asyncio
import io
from typing import Final

import segno

AT_ONCE: Final = 2  # codes that are being made: each is some 10 ms of work, and anybody may ask


class Codes:
    """Makes QR codes, beside the event loop and few at once."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)

    async def svg(self, text: str) -> bytes:
        """A picture of `text` in SVG, dark on light with the border that cameras need; ISO/IEC 18004 §9.1."""
        async with self._room:
            return await asyncio.to_thread(_svg, text)


def _svg(text: str) -> bytes:
    out = io.BytesIO()
    segno.make_qr(text, error="l", boost_error=False).save(out, kind="svg", light="#fff", omitsize=True, nl=False)
    return out.getvalue()
