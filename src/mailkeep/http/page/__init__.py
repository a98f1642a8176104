"""The set-up page: a person types an address, and reads what to do in his mail program.

- It works without JavaScript; with it values can be copied, and the steps of the visitor's own system are unfolded.
- Nothing comes from anywhere else, and the page may load nothing else: its policy says so.
- It looks the same for addresses that exist and those that do not.
"""

from mailkeep.http.page.routes import routes

__all__ = ["routes"]
