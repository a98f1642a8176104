"""THE TABLE of LMTP's commands: what each is called, when it is allowed, how it is read, and what carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailkeep.smtp.commands import answers, bdat, data, lhlo, mail, quit_, rcpt, rset
from mailkeep.smtp.commands.table import Command, When
from mailkeep.smtp.wire import bdat as bdat_wire
from mailkeep.smtp.wire import lhlo as lhlo_wire
from mailkeep.smtp.wire import mail as mail_wire
from mailkeep.smtp.wire import rcpt as rcpt_wire
from mailkeep.smtp.wire.command import anything, nothing

LMTP: Final[Mapping[str, Command]] = {
    command.verb: command
    for command in (
        Command("LHLO", When.ALWAYS, lhlo_wire.parse, lhlo.lhlo),
        Command("MAIL", When.GREETED, mail_wire.parse, mail.mail),
        Command("RCPT", When.IN_TRANSACTION, rcpt_wire.parse, rcpt.rcpt),
        Command("DATA", When.IN_TRANSACTION, nothing, data.data),
        # The octets behind a BDAT must be read even where it is not allowed; without its size nobody knows how many.
        Command("BDAT", When.ALWAYS, bdat_wire.parse, bdat.bdat, mistake_is_fatal=True),
        Command("RSET", When.ALWAYS, nothing, rset.rset),
        Command("QUIT", When.ALWAYS, nothing, quit_.quit_),
        Command("NOOP", When.ALWAYS, anything, answers.noop),
        Command("HELP", When.ALWAYS, anything, answers.help_),
        Command("VRFY", When.ALWAYS, anything, answers.vrfy),
        Command("EXPN", When.ALWAYS, anything, answers.expn),
        Command("HELO", When.ALWAYS, anything, answers.not_smtp),
        Command("EHLO", When.ALWAYS, anything, answers.not_smtp),
    )
}
