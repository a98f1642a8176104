"""SMTP's grammar (RFC 5321 §4.1), without I/O and without state of a session.

- Whatever way octets are cut into pieces, the same events and values come out.
- No construct needs more than its own length of time to read; lines are bounded, messages are never held whole.
"""
