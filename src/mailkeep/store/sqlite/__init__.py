"""The embedded store: shard databases of SQLite, packs of large messages, and a directory of accounts.

- One writer per shard; what has queued up shares a transaction and its sync.
- A queue holds operations with their arguments, never a started generator: they may have to run again.
- Readers have connections of their own, and leave no statement or transaction open.
"""
