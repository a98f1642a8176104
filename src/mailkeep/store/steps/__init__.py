"""Steps that several operations share: small generators for ``yield from``, and single statements."""
