CREATE TABLE counter (
    next_account INTEGER NOT NULL
);
INSERT INTO counter VALUES (1);

CREATE TABLE account (
    account INTEGER NOT NULL PRIMARY KEY,
    address TEXT NOT NULL,               -- as given
    folded TEXT NOT NULL UNIQUE,         -- as compared
    shard INTEGER NOT NULL,
    state TEXT NOT NULL,
    password TEXT,                       -- argon2id; NULL = nobody can log in
    created_at INTEGER NOT NULL
);
