"""The web server: what clients fetch to set themselves up, and later the protocols that stand on HTTP.

- Octets come by `net.connection`, as in every other protocol; h11 makes them requests, and an ASGI application answers.
- A connection without a request holds neither a parser nor a task.
- Routes are given by one module for each thing that is served; `app.build_app` puts them together.
- What is served here needs no login and is the same for addresses that exist and those that do not.
"""
