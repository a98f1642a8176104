"""ENABLE."""

from __future__ import annotations

from mailkeep.imap.capabilities import SWITCHES
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response


async def enable(s: Authenticated, names: tuple[str, ...]) -> None:
    """Switch on extensions that change what the server sends; unknown ones are skipped.  RFC 5161, RFC 9051 §6.3.1.

    ENABLED is always sent, also when it names nothing.
    """
    session = s.session
    now_enabled = []
    for name in dict.fromkeys(names):
        if SWITCHES.get(name) in session.options.off:
            continue
        match name:
            case "CONDSTORE":
                session.enable_condstore()
            case "QRESYNC":
                session.enable_condstore()
                session.enabled.qresync = True
            case "METADATA" | "METADATA-SERVER":
                await s.watch_metadata(mailboxes=name == "METADATA")
            case "UIDONLY":
                session.enabled.uidonly = True
                if session.selected is not None:
                    session.selected.plans.clear()  # they render message numbers
            case "IMAP4REV2":
                session.enabled.rev2 = True
            case "UTF8=ACCEPT":
                session.enabled.utf8 = True
                if session.selected is not None:
                    session.selected.plans.clear()  # they render ENVELOPE and BODYSTRUCTURE in the old form
            case _:
                continue
        now_enabled.append("IMAP4rev2" if name == "IMAP4REV2" else name)
    session.write(response.enabled(now_enabled))
