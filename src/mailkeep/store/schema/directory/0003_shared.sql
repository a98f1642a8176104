ALTER TABLE account ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;  -- 1: nobody's, stands in the shared tree
