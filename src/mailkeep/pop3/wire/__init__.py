"""Bytes of POP3: command lines in, replies and multi-line answers out.  No I/O."""
