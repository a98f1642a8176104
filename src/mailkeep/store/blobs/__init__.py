"""Octets of messages: small ones in the row, larger ones in packs.

- On disk, name and all, before a row names them.  What no row names is garbage and does no harm.
- A pack is only ever appended to by the process that made it; once full it never changes.
"""
