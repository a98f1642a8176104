"""The IMAP grammar: octets to values and back, without I/O.

- `framing` cuts octets into whole commands, `command` splits off tag and name, one module per command reads the rest.
- Each parser is ``parse(lexer) -> value``; it raises nothing but ParseError (BAD), or its child Refusal (NO).
- `response` holds pure encoders; nothing outside this package writes the syntax of a response.
- Commands are bounded in length, count and depth; a parser's time is linear in the command's length.
- Mailbox names are `str`; modified UTF-7 exists only in `utf7`.
"""

from mailkeep.imap.wire.arguments import mailbox_name, no_args

__all__ = ["mailbox_name", "no_args"]
