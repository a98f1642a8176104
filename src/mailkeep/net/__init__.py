"""Octets on sockets: the engine that every protocol session stands on.

- A callback protocol, not streams; a handler is stepped by hand and costs no task unless it has to wait.
- Commands of one connection run strictly in order; while one waits, later octets are only buffered, and beyond a
  bound not even read.
- Nobody writes to a peer that does not read: `Connection.drain` waits, and no further command starts meanwhile.
- One catch-all per connection: a bug ends that connection, never its siblings.
"""
