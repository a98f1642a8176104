"""Mail in and out: LMTP (RFC 2033), SMTP (RFC 5321) from strangers and from users, and to other hosts.

- `wire` turns octets into lines, message octets and values, and replies into octets; it knows no state.
- `commands` holds the tables; a command is one function in a file of its name.
- `session` knows the state of a dialogue; `lmtp` puts it on a connection.
- A positive answer after the data means that the message is on disk.
- Only CRLF "." CRLF ends the data, and only CRLF ends a line.
"""
