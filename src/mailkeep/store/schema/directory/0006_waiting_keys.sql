ALTER TABLE signing_key ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;  -- 1: does not sign before DNS has it
