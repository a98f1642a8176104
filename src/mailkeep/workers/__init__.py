"""Several processes that serve one data directory.

- The parent (`crew.py`) holds the lock, the sockets, the directory of accounts and the control socket; it starts the
  workers (`worker.py`), and starts one again that has died.
- Each shard is written by one worker: shard s by worker s modulo their count, as long as it holds the shard's lock.
  Every process reads every shard by itself.
- A write for the shard of another goes to its owner as a name and plain values (`peers.py`), and is answered after the
  commit.  Whoever has had something written tells all workers of it by a hint.
"""
