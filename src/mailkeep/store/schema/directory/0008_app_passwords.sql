ALTER TABLE account ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;  -- how often the password has been set

CREATE TABLE app_password (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    label TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,         -- keyed with the directory's secret
    scram TEXT NOT NULL,                 -- a verifier (RFC 5803)
    services TEXT NOT NULL,              -- names, separated by spaces
    read_only INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER                      -- written lazily
);
CREATE INDEX app_password_account ON app_password (account);
