ALTER TABLE account ADD COLUMN scram TEXT;  -- a verifier of the password (RFC 5803); NULL = there is none

CREATE TABLE secret (
    octets BLOB NOT NULL                 -- of this directory alone: makes up what unknown users are told
);
INSERT INTO secret VALUES (randomblob(32));
