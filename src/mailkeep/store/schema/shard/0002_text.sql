-- What searches look at, in segments of 64 messages by number: derived, may be dropped.  See mailkeep.service.segment.

CREATE TABLE text_index (
    account INTEGER NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,            -- of what the segments hold
    indexed_to INTEGER NOT NULL,         -- messages below this number are in segments,
    loose BLOB NOT NULL                  -- but for these (UidSet.to_bytes)
);

CREATE TABLE text_segment (
    account INTEGER NOT NULL,
    kind TEXT NOT NULL,
    segment INTEGER NOT NULL,            -- message / 64
    data BLOB NOT NULL,
    PRIMARY KEY (account, kind, segment)
) WITHOUT ROWID;

-- Segments with text of messages that are gone for good, to be written anew.
CREATE TABLE text_stale (
    account INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    PRIMARY KEY (account, segment)
) WITHOUT ROWID;
