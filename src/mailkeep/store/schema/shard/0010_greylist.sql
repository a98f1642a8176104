-- Who has tried to send to an account, and may be asked to come again (RFC 6647).
CREATE TABLE greylist (
    account INTEGER NOT NULL,
    key BLOB NOT NULL,                   -- a digest of a network; or of a network, a sender and a recipient
    known INTEGER NOT NULL,              -- 1: the network has come again, as mail servers do; 0: this is its first try
    at INTEGER NOT NULL,                 -- UTC seconds: when it was last here; of a first try, when it was
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX greylist_at ON greylist (account, known, at);
