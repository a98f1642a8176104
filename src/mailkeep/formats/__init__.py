"""Content formats: octets to values and back, pure.  No I/O, and nothing of ours is imported."""
