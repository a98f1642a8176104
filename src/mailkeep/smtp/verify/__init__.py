"""Who a message is from, as far as DNS and signatures tell: SPF, DKIM, ARC and DMARC, for mail from strangers.

- Look-ups are made by our resolver beforehand; the libraries (pyspf, dkimpy) are handed the answers and never ask.
- A fault of DNS is neither yes nor no; where all depends on it, the client is told to come again.
- Whatever the octets say, work and memory are bounded: fields, signatures, sizes of keys, look-ups, seconds.
- Hashing and signatures run in a thread, few messages at once; a body is hashed piece by piece, never whole in memory.
"""
