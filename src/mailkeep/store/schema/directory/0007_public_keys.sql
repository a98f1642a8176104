CREATE TABLE public_key (                -- OpenPGP, for everybody
    account INTEGER NOT NULL PRIMARY KEY,
    domain TEXT NOT NULL,                -- lower-case A-labels
    hashed TEXT NOT NULL,                -- of the local part, as a Web Key Directory names it
    octets BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (domain, hashed)
);
