-- Mail on its way out: a message, the legs of its way (recipients of one domain that travel together), and whom it is for.

ALTER TABLE account ADD COLUMN next_item INTEGER NOT NULL DEFAULT 1;

CREATE TABLE queue_item (
    account INTEGER NOT NULL,            -- who sends it
    item INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    size INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    held INTEGER NOT NULL,               -- 1: nothing is tried until it is released
    reverse_path TEXT NOT NULL,          -- these: mailkeep.model.envelope.Envelope
    body TEXT NOT NULL,
    smtputf8 INTEGER NOT NULL,
    require_tls INTEGER NOT NULL,
    returns TEXT,
    envelope_id TEXT,
    hold_until INTEGER,
    PRIMARY KEY (account, item)
) WITHOUT ROWID;
CREATE INDEX queue_item_blob ON queue_item (account, blob);
CREATE INDEX queue_item_held ON queue_item (account, item) WHERE held = 1;

-- A leg is removed when nothing of it is left to do, an item with its last leg.
CREATE TABLE queue_leg (
    account INTEGER NOT NULL,
    item INTEGER NOT NULL,
    leg INTEGER NOT NULL,
    domain TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER,                      -- NULL: held
    warned INTEGER NOT NULL,             -- 1: the sender has been told that it takes long
    PRIMARY KEY (account, item, leg)
) WITHOUT ROWID;
-- What is to be done next: asked of all accounts together, and of one for one domain.
CREATE INDEX queue_leg_due ON queue_leg (due_at, account, item, leg, domain) WHERE due_at IS NOT NULL;
CREATE INDEX queue_leg_of ON queue_leg (account, domain, due_at, item, leg) WHERE due_at IS NOT NULL;

CREATE TABLE queue_recipient (
    account INTEGER NOT NULL,
    item INTEGER NOT NULL,
    leg INTEGER NOT NULL,
    number INTEGER NOT NULL,             -- in the item
    address TEXT NOT NULL,
    notify INTEGER,                      -- mailkeep.model.envelope.Notify; NULL: nothing was said
    original TEXT,
    state INTEGER NOT NULL,              -- mailkeep.model.queued.State
    owed INTEGER NOT NULL,               -- 1: its sender must still be told
    outcome_at INTEGER,                  -- of the last attempt; what follows: mailkeep.model.envelope.Outcome
    enhanced TEXT,
    text TEXT,
    code INTEGER,
    host TEXT,
    reports INTEGER,
    PRIMARY KEY (account, item, leg, number)
) WITHOUT ROWID;

-- What has been delivered under a key, so that it is not delivered again.
CREATE TABLE delivered (
    account INTEGER NOT NULL,            -- to whom
    key TEXT NOT NULL,
    mailbox INTEGER NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    message INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX delivered_at ON delivered (account, at);
