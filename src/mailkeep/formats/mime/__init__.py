"""Internet messages: structure, sections, header values, text.

- Nothing here ever fails on a message: whatever octets arrive have some structure and some text.
- Work is bounded and linear in the message's size; depth, parts and header size have limits.
- Octets are never changed; a `Part` holds offsets into them.

`scan.scan` finds the parts; `section` answers IMAP's sections and BINARY; `partmap` keeps a tree as bytes; `header`,
`parameters`, `address`, `words`, `date` and `thread` read values of fields; `text` is what searches look at.
"""
