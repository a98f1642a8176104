"""POP3 (RFC 1939): the INBOX of an account, to be fetched by simple programs.

- A session sees INBOX as it was at login: messages that come later wait for the next one, and those that another client
  expunges meanwhile can still be fetched.
- What DELE marks is removed at QUIT, in one transaction, and no other end of a session removes anything.
- A unique-id is made of UIDVALIDITY and UID, so it is never reused, and lasts as long as the mailbox.
- The sizes that LIST tells are those of what RETR sends, octet by octet.
"""
