"""Tokens of an OpenID provider (or any OAuth 2.0 server) open accounts here.

- A token is refused (`TokenRefused`) only when it has been understood and found wanting.  Whatever goes wrong with the
  provider itself is `Unavailable`: the client keeps its token and comes again.
- Which account a token opens is said by a claim of it alone, never by what the client says.
- Nothing here remembers or logs a token.
"""
