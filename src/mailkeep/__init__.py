"""mailkeep: a mail server in which the server is the mailbox.

The public API is `Server`, `Config` and `MailError`, and for those who write hooks `mailkeep.hook`; nothing else is
promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailkeep.config import Config
    from mailkeep.model.errors import MailError
    from mailkeep.server import Server

__all__ = ["Config", "MailError", "Server"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are first asked for: a part of mailkeep must not pull in the whole."""
    match name:
        case "Config":
            from mailkeep.config import Config

            return Config
        case "MailError":
            from mailkeep.model.errors import MailError

            return MailError
        case "Server":
            from mailkeep.server import Server

            return Server
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
