"""mailkeep: a mail server in which the server is the mailbox."""
