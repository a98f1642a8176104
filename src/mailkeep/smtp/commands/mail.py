"""MAIL: a transaction begins."""

from __future__ import annotations

from mailkeep.smtp.session import Session, Transaction
from mailkeep.smtp.wire.mail import Mail
from mailkeep.smtp.wire.reply import Reply


def mail(session: Session, command: Mail) -> Reply:
    """Note the reverse path.  RFC 5321 §4.1.1.2; a size known to be too large is refused at once: RFC 1870 §6.1."""
    if session.transaction is not None:
        return Reply(503, "5.5.1", "There is a transaction already")
    limit = session.options.max_message
    if command.size > limit:
        return Reply(552, "5.3.4", f"Message is larger than {limit} octets")
    session.transaction = Transaction(command)
    return Reply(250, "2.1.0", "Sender accepted")
