"""A neutral load client for IMAP servers, and workloads whose every answer is verified.

- It knows nothing of this server: it speaks IMAP and LMTP over sockets to whatever listens.
- A workload gives a figure only when all that came back was right; else it gives the reason (`Wrong`).
- Mail is made from numbers: the same number is the same message, on every machine, so that answers can be checked.
- Seeds are fixed.  What is timed is the server's work and the way to it: answers are parsed after the clock stops.
- One process, blocking sockets: with few cores the client must cost little.  Its share of CPU is part of each row.
"""
