"""NAMESPACE."""

from __future__ import annotations

from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.model.mailbox import DELIMITER
from mailkeep.service.trees import OTHERS, SHARED


async def namespace(s: Authenticated, _: None) -> None:
    """The personal tree without prefix, as K-9 hides folders where there is one; that of others, the shared one.

    RFC 9051 §6.3.10, RFC 2342.
    """
    s.session.write(response.namespace("", OTHERS + DELIMITER, SHARED + DELIMITER))
