-- Keys of mailboxes, by user: with one the server proves that it has made a URL (RFC 4467).  `holder` has the mailbox.
CREATE TABLE mailbox_key (
    account INTEGER NOT NULL,            -- the user
    holder INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (account, holder, mailbox)
) WITHOUT ROWID;
