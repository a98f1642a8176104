"""Certificates from an authority that speaks ACME (RFC 8555): asked for, renewed and kept, while the server runs.

- One process asks: the first one.  Challenges lie in files, so that every worker can answer them.
- A certificate and its key are one directory that appears whole, and the ones before stay: a certificate that works is
  replaced by one that works, or not at all.
- What went wrong is written down with the time of the next attempt, and outlives a restart: authorities count.
- Nobody but the authority, and DNS, is asked for anything.
"""
