"""The arguments of commands that need no grammar of their own."""

from __future__ import annotations

from mailkeep.imap.wire.lexer import Lexer


def no_args(lexer: Lexer) -> None:
    """NOOP, CHECK, IDLE, …: nothing."""
    lexer.end()


def mailbox_name(lexer: Lexer) -> str:
    """DELETE, SUBSCRIBE, UNSUBSCRIBE: one mailbox name."""
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.end()
    return mailbox
