"""RCPT: one more recipient."""

from __future__ import annotations

from mailkeep.model.errors import MailError
from mailkeep.smtp.errors import reply_to
from mailkeep.smtp.session import Accepted, Session
from mailkeep.smtp.wire.rcpt import Rcpt
from mailkeep.smtp.wire.reply import Reply


async def rcpt(session: Session, command: Rcpt) -> Reply:
    """Accept a recipient.  RFC 5321 §4.1.1.3.  Raises: Refused."""
    transaction = session.transaction
    assert transaction is not None
    if transaction.spool is not None:
        return Reply(503, "5.5.1", "The message has begun")
    if len(transaction.recipients) >= session.options.max_recipients:
        return Reply(452, "4.5.3", "Too many recipients")
    if not (transaction.mail.smtputf8 or command.forward_path.isascii()):
        return Reply(553, "5.6.7", "An address beyond ASCII needs SMTPUTF8")
    recipient = session.recipient(command)
    try:
        accounts = await session.role.admit(session, recipient)
    except MailError as error:
        return reply_to(error, command.forward_path)
    transaction.recipients.append(Accepted(recipient, accounts))
    return Reply(250, "2.1.5", "Recipient accepted")
