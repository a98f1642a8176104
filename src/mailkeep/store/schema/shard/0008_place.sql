-- Which shard this is.  Octets that were put into the packs of another one are of no use here.
CREATE TABLE place (
    shard INTEGER NOT NULL
);
