"""The nouns of a mailbox, without a word about any protocol or database.

- Standard library only, no I/O; values are immutable.
- A *mailbox* holds *entries*; an entry (mailbox, uid) points to an immutable *message*.
- One counter per account, `modseq`, numbers every change.
"""
