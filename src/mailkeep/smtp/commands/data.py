"""DATA: the message, until a line with a dot."""

from __future__ import annotations

from mailkeep.smtp.session import Session
from mailkeep.smtp.wire.mail import Body
from mailkeep.smtp.wire.reply import Reply


def data(session: Session, _: None) -> Reply:
    """Take the message; the answers come when it is whole.  RFC 5321 §4.1.1.4, RFC 2033 §4.2."""
    transaction = session.transaction
    assert transaction is not None
    if transaction.spool is not None:
        return Reply(503, "5.5.1", "BDAT and DATA cannot be mixed")
    if transaction.mail.body is Body.BINARY:
        return Reply(503, "5.5.1", "BINARYMIME goes with BDAT")  # RFC 3030 §3
    if not transaction.recipients:
        return Reply(503, "5.5.1", "There is no recipient")
    transaction.spool = session.open_spool()
    session.chunk = None
    session.reader.expect_data()
    return Reply(354, "", "End the message with a dot on a line of its own")
