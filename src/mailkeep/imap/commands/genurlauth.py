"""GENURLAUTH."""

from __future__ import annotations

from mailkeep.imap.done import Bad
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.model.errors import Invalid
from mailkeep.service.pace import Pace


async def genurlauth(s: Authenticated, pairs: tuple[tuple[str, str], ...]) -> None:
    """Authorize URLs of messages for others to follow.  RFC 4467 §7.

    The rules for a URL are strict: whatever is wrong is BAD.  Raises: Unavailable.
    """
    urls = s.session.services.urls
    authorized: list[str] = []
    pace = Pace()
    for url, mechanism in pairs:
        try:
            authorized.append(await urls.authorize(s.account, url, mechanism))
        except Invalid as error:
            raise Bad(error.text) from error
        if pace.is_over:
            await pace.give_way()
    s.session.write(response.genurlauth(authorized))
