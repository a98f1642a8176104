"""THE TABLES of commands: what each is called, when it is allowed, how it is read, and what carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from mailkeep.smtp.commands import answers, auth, bdat, burl, data, hello, mail, quit_, rcpt, rset, starttls
from mailkeep.smtp.commands.table import Command, When
from mailkeep.smtp.wire import auth as auth_wire
from mailkeep.smtp.wire import bdat as bdat_wire
from mailkeep.smtp.wire import burl as burl_wire
from mailkeep.smtp.wire import hello as hello_wire
from mailkeep.smtp.wire import mail as mail_wire
from mailkeep.smtp.wire import rcpt as rcpt_wire
from mailkeep.smtp.wire.command import anything, nothing


def _table(*rows: Command) -> Mapping[str, Command]:
    return {row.verb: row for row in (*rows, *_EVERYWHERE)}


_EVERYWHERE: Final = (
    Command("DATA", When.IN_TRANSACTION, nothing, data.data),
    # The octets behind a BDAT must be read even where it is not allowed; without its size nobody knows how many.
    Command("BDAT", When.ALWAYS, bdat_wire.parse, bdat.bdat, mistake_is_fatal=True),
    Command("RSET", When.ALWAYS, nothing, rset.rset),
    Command("QUIT", When.ALWAYS, nothing, quit_.quit_),
    Command("NOOP", When.ALWAYS, anything, answers.noop),
    Command("HELP", When.ALWAYS, anything, answers.help_),
    Command("VRFY", When.ALWAYS, anything, answers.vrfy),
    Command("EXPN", When.ALWAYS, anything, answers.expn),
)

LMTP: Final = _table(
    Command("LHLO", When.ALWAYS, hello_wire.parse, hello.hello),
    Command("MAIL", When.GREETED, mail_wire.parse, mail.mail),
    Command("RCPT", When.IN_TRANSACTION, rcpt_wire.parse, rcpt.rcpt),
    Command("HELO", When.ALWAYS, anything, answers.not_smtp),
    Command("EHLO", When.ALWAYS, anything, answers.not_smtp),
)

_SMTP: Final = (
    Command("EHLO", When.ALWAYS, hello_wire.parse, hello.hello),
    Command("HELO", When.ALWAYS, hello_wire.parse, hello.helo),
    Command("STARTTLS", When.GREETED, nothing, starttls.starttls),
)

RECEPTION: Final = _table(
    *_SMTP,
    Command("MAIL", When.GREETED, partial(mail_wire.parse, offered=mail_wire.RELAYED), mail.mail),
    Command("RCPT", When.IN_TRANSACTION, rcpt_wire.parse, rcpt.rcpt),
)

SUBMISSION: Final = _table(
    *_SMTP,
    Command("AUTH", When.GREETED, auth_wire.parse, auth.auth),
    Command("MAIL", When.AUTHENTICATED, partial(mail_wire.parse, offered=mail_wire.SUBMITTED), mail.mail),
    Command("RCPT", When.IN_TRANSACTION, partial(rcpt_wire.parse, offered=rcpt_wire.DSN), rcpt.rcpt),
    Command("BURL", When.IN_TRANSACTION, burl_wire.parse, burl.burl),
)
