"""LHLO, EHLO, HELO: the client introduces itself, and learns what we can do."""

from __future__ import annotations

from mailkeep.smtp.session import Session
from mailkeep.smtp.wire.hello import Hello
from mailkeep.smtp.wire.reply import Reply


def hello(session: Session, command: Hello) -> Reply:
    """EHLO, or LHLO: begin, or begin anew.  RFC 5321 §4.1.1.1, §4.1.4; RFC 2033 §4.1."""
    session.greet(command.name, extended=True)
    return Reply(250, "", "\n".join((session.options.hostname, *session.role.extensions(session))))


def helo(session: Session, command: Hello) -> Reply:
    """The same without extensions.  RFC 5321 §4.1.1.1."""
    session.greet(command.name, extended=False)
    return Reply(250, "", session.options.hostname)
