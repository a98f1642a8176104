"""COMPRESS."""

from __future__ import annotations

from mailkeep.imap.done import Done, Refused
from mailkeep.imap.session import Authenticated


async def compress(s: Authenticated, _: str) -> Done:
    """Deflate both directions from the end of the tagged OK on.  RFC 4978 §3.

    The client must wait for that OK.  What came before it is read as the beginning of the compressed stream: a command
    in the clear among it ends the connection, and is not carried out.
    """
    connection = s.session.connection
    if connection.compressed:
        raise Refused("DEFLATE is active via COMPRESS", b"COMPRESSIONACTIVE")

    async def start() -> None:
        connection.start_deflate(s.session.framer.take_rest())

    return Done("DEFLATE active", then=start)
