"""Filters: programs that have a say in what becomes of mail from strangers.

Each is a `Judge`.  One that does not answer in time, or talks nonsense, is at fault: `fault.Fault` says what then.
"""
