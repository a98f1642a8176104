-- Named values of mailboxes and of the server (RFC 5464).

CREATE TABLE metadata (
    account INTEGER NOT NULL,            -- whose mailbox it is
    mailbox INTEGER NOT NULL,            -- 0 = the server, as this account sees it
    who INTEGER NOT NULL,                -- the account whose private entry it is; 0 = shared
    entry TEXT NOT NULL,                 -- in lower case
    value BLOB,                          -- NULL: it was removed
    modseq INTEGER NOT NULL,             -- of the last change
    PRIMARY KEY (account, mailbox, who, entry)
) WITHOUT ROWID;
CREATE INDEX metadata_modseq ON metadata (account, modseq);
