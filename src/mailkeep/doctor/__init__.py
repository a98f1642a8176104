"""What an administrator should know about the machine below the mail: looked at, judged, with what to do about it.

- A check is a function that is given plain values and returns findings; it changes nothing that lasts.
- Whatever can hang has a deadline of seconds.
- Nothing outside of this machine is asked, but DNS about our own names, and a time server if one is named.
"""

from mailkeep.doctor.finding import Area, Finding, Level

__all__ = ["Area", "Finding", "Level"]
