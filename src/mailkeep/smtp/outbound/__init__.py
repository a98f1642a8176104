"""Mail to other hosts: where it goes, how much TLS is asked for, and the dialogue.

- `routes` asks DNS which hosts take mail for a domain; `protection` which TLS they must have (DANE, MTA-STS).
- `link` is octets on a socket, `client` the dialogue of SMTP on it; neither knows why a host was chosen.
- `pool` keeps connections for the next message, and bounds how many one destination gets.
- Whatever a remote host does is an outcome of recipients, never an exception of the courier.
- A host whose name must be proven is sent nothing but EHLO and STARTTLS before it has been.
"""
