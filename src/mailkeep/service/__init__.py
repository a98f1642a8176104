"""The verbs: the only door to the store.

- Protocols call these classes and never the store; these classes know no protocol.
- A positive result means that the change is on disk.
- After each change a hint goes out on the bus; whoever cares asks what happened.
"""
