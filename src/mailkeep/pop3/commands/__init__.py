"""THE TABLE of commands: what each is called, when it is allowed, how it is read, and what carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailkeep.pop3.commands import auth, capa, dele, lang, list_, login, noop, quit_, retr, rset, stat, stls, uidl, utf8
from mailkeep.pop3.commands.table import Command, State
from mailkeep.pop3.wire import auth as auth_wire
from mailkeep.pop3.wire import lang as lang_wire
from mailkeep.pop3.wire import login as login_wire
from mailkeep.pop3.wire import top as top_wire
from mailkeep.pop3.wire.command import nothing, number, optional_number

ROWS: Final = (
    Command("CAPA", State.ANY, nothing, capa.capa),
    Command("LANG", State.ANY, lang_wire.parse, lang.lang),
    Command("QUIT", State.ANY, nothing, quit_.quit_),
    Command("STLS", State.AUTHORIZATION, nothing, stls.stls),
    Command("UTF8", State.AUTHORIZATION, nothing, utf8.utf8),
    Command("USER", State.AUTHORIZATION, login_wire.name, login.user),
    Command("PASS", State.AUTHORIZATION, login_wire.password, login.pass_, needs_user=True),
    Command("AUTH", State.AUTHORIZATION, auth_wire.parse, auth.auth),
    Command("STAT", State.TRANSACTION, nothing, stat.stat),
    Command("LIST", State.TRANSACTION, optional_number, list_.list_),
    Command("UIDL", State.TRANSACTION, optional_number, uidl.uidl),
    Command("RETR", State.TRANSACTION, number, retr.retr),
    Command("TOP", State.TRANSACTION, top_wire.parse, retr.top),
    Command("DELE", State.TRANSACTION, number, dele.dele),
    Command("RSET", State.TRANSACTION, nothing, rset.rset),
    Command("NOOP", State.TRANSACTION, nothing, noop.noop),
)

COMMANDS: Final[Mapping[str, Command]] = {row.keyword: row for row in ROWS}
