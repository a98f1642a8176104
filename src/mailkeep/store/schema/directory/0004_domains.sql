CREATE TABLE domain (
    domain TEXT NOT NULL PRIMARY KEY,    -- lower-case A-labels
    created_at INTEGER NOT NULL
);

CREATE TABLE signing_key (               -- of DKIM
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL,             -- as RFC 6376 and RFC 8463 name it
    private BLOB NOT NULL,               -- PKCS #8 in PEM, or the seed
    created_at INTEGER NOT NULL,
    PRIMARY KEY (domain, selector)
);

CREATE TABLE alias (
    folded TEXT NOT NULL,                -- as compared; @domain: whatever else comes to the domain
    account INTEGER NOT NULL,            -- to whom it leads; one alias may lead to several
    created_at INTEGER NOT NULL,
    PRIMARY KEY (folded, account)
);
CREATE INDEX alias_account ON alias (account);

-- Which accounts a domain has: what stands behind the last @.
CREATE INDEX account_domain ON account (substr(folded, 1 + length(rtrim(folded, replace(folded, '@', '')))));
CREATE INDEX alias_domain ON alias (substr(folded, 1 + length(rtrim(folded, replace(folded, '@', '')))));
