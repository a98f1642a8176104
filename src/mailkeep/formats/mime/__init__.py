"""Internet messages: structure, sections, header values, text.

- Nothing here ever fails on a message: whatever octets arrive have some structure and some text.
- Work is bounded and linear in the message's size; depth, parts and header size have limits.
- Octets are never changed; a `Part` holds offsets into them.

`scan` finds the parts; `locate`, `section` and `binary` answer IMAP's sections; `encode_parts` keeps a tree as bytes.
"""
