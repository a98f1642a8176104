"""Documents by which mail programs set themselves up: one file per format, each a pure function of domain and `Site`.

- What they say is public, and the same whether an account exists or not: they know addresses, never accounts.
- Only services that exist are named.
- The same functions make what our web server answers, the files for another web server, and the records for DNS.
"""
