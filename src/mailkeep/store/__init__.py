"""Where mail is kept: a contract, the operations written against it, and the databases that carry them out.

- An operation (`store.ops`) is a pure function of its arguments and of the rows it reads; it may be run again.
- Blob before row, row before answer: no positive answer before COMMIT has returned.
- Nobody but `service` and the composition root imports this package.
"""
