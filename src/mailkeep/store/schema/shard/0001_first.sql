-- Every key leads with the account.  Flags: see mailkeep.model.flags.  Times are UTC seconds, sizes octets.

CREATE TABLE account (
    account INTEGER NOT NULL PRIMARY KEY,
    modseq INTEGER NOT NULL,
    next_mailbox INTEGER NOT NULL,
    next_message INTEGER NOT NULL,
    next_blob INTEGER NOT NULL,
    uidvalidity INTEGER NOT NULL,        -- the greatest given so far
    log_floor INTEGER NOT NULL,          -- the log tells every change after this modseq
    used_octets INTEGER NOT NULL,        -- of live entries, copies too
    used_messages INTEGER NOT NULL,
    quota INTEGER                        -- octets; NULL = unlimited
);

CREATE TABLE mailbox (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    parent INTEGER NOT NULL,             -- 0 = top
    name TEXT NOT NULL,                  -- the leaf, NFC
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL,
    modseq INTEGER NOT NULL,             -- HIGHESTMODSEQ
    meta_modseq INTEGER NOT NULL,        -- of the last change to the row itself: made, renamed, deleted
    total INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    deleted INTEGER NOT NULL,            -- entries with \Deleted
    octets INTEGER NOT NULL,
    first_recent INTEGER NOT NULL,
    role TEXT,
    selectable INTEGER NOT NULL,
    deleted_at INTEGER,                  -- not NULL: a tombstone, its name is free
    PRIMARY KEY (account, mailbox)
) WITHOUT ROWID;
CREATE UNIQUE INDEX mailbox_name ON mailbox (account, parent, name) WHERE deleted_at IS NULL;

CREATE TABLE message (
    account INTEGER NOT NULL,
    message INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    size INTEGER NOT NULL,
    internaldate INTEGER NOT NULL,
    origin_account INTEGER NOT NULL,     -- EMAILID
    origin_message INTEGER NOT NULL,
    thread_account INTEGER NOT NULL,     -- THREADID
    thread INTEGER NOT NULL,
    PRIMARY KEY (account, message)
) WITHOUT ROWID;
CREATE INDEX message_blob ON message (account, blob);

CREATE TABLE entry (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    more_keywords BLOB,                  -- keyword numbers beyond the mask, as UidSet.to_bytes; NULL = none
    modseq INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (account, mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX entry_message ON entry (account, message);
CREATE INDEX entry_deleted ON entry (account, mailbox, uid, flags) WHERE flags & 8 != 0;  -- for EXPUNGE

CREATE TABLE gone (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    more_keywords BLOB,
    modseq INTEGER NOT NULL,             -- of the expunge
    saved_at INTEGER NOT NULL,
    gone_at INTEGER NOT NULL,
    moved INTEGER NOT NULL,              -- 1: the message lives on under another UID, nothing to undelete
    PRIMARY KEY (account, mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX gone_message ON gone (account, message);
CREATE INDEX gone_at ON gone (account, gone_at);

CREATE TABLE log (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,            -- 0 = the account itself
    modseq INTEGER NOT NULL,
    kind INTEGER NOT NULL,               -- mailkeep.store.contract.LogKind
    uids BLOB NOT NULL,                  -- UidSet.to_bytes; of a renamed mailbox its old name, of a subscription its name
    PRIMARY KEY (account, modseq, mailbox, kind)
) WITHOUT ROWID;

-- When the counter stood where: lets the log be pruned by age.
CREATE TABLE epoch (
    account INTEGER NOT NULL,
    at INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (account, at)
) WITHOUT ROWID;

CREATE TABLE derived (
    account INTEGER NOT NULL,
    kind TEXT NOT NULL,
    message INTEGER NOT NULL,
    version INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (account, message, kind) -- what belongs to one message is written to one page
) WITHOUT ROWID;

-- With rowid: a body fills a leaf page well, where a key-ordered table would give each an overflow page of its own.
CREATE TABLE blob (
    account INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    data BLOB,                           -- either the octets,
    pack INTEGER,                        -- or where they lie
    "offset" INTEGER
);
CREATE UNIQUE INDEX blob_key ON blob (account, blob);
CREATE UNIQUE INDEX blob_sha256 ON blob (account, sha256) WHERE pack IS NOT NULL;  -- only these are shared
CREATE INDEX blob_pack ON blob (pack) WHERE pack IS NOT NULL;

-- Blobs that nothing referred to when `at` came; looked at again before they are removed.
CREATE TABLE garbage (
    account INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, blob)
) WITHOUT ROWID;

CREATE TABLE keyword (
    account INTEGER NOT NULL,
    bit INTEGER NOT NULL,
    name TEXT NOT NULL,                  -- the first spelling
    folded TEXT NOT NULL,
    PRIMARY KEY (account, bit)
) WITHOUT ROWID;
CREATE UNIQUE INDEX keyword_folded ON keyword (account, folded);

CREATE TABLE subscription (
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

CREATE TABLE acl (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    who TEXT NOT NULL,
    rights TEXT NOT NULL,
    PRIMARY KEY (account, mailbox, who)
) WITHOUT ROWID;

CREATE TABLE threadref (
    account INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    thread INTEGER NOT NULL,
    PRIMARY KEY (account, hash)
) WITHOUT ROWID;

-- A view of a mailbox as arrays, so that opening it need not read every entry: derived, may be dropped.
CREATE TABLE snapshot (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX snapshot_key ON snapshot (account, mailbox);
