"""Octets in a named charset to text, whatever the name and the octets are."""

from __future__ import annotations

import re
from encodings.aliases import aliases
from typing import Final

_NOT_CHARSETS: Final = {
    "base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec", "zlib_codec",
}  # fmt: skip
# What mail says is often the smaller charset, and means the larger (WHATWG Encoding Standard §4.2).
_MEANS: Final = {
    "latin_1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932",
}  # fmt: skip
_MORE: Final = {
    "koi8_u": "koi8_u",
    "windows_874": "cp874",
    "x_sjis": "shift_jis",
    "x_gbk": "gbk",
    "iso_8859_8_i": "iso8859_8",
}
# A closed table of names, because Python's codec machinery remembers each unknown name it was ever asked for.
_CODECS: Final = {
    name: _MEANS.get(codec, codec)
    for name, codec in (aliases | {codec: codec for codec in aliases.values()} | _MORE).items()
    if codec not in _NOT_CHARSETS
}
_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")


def find_codec(charset: str) -> str | None:
    """Python's codec for a charset name of mail, or None if nobody knows it."""
    if len(charset) > 40:
        return None
    name = _SEPARATORS.sub("_", charset.lower()).strip("_")
    return _CODECS.get(name)


def decode_octets(octets: bytes, charset: str = "") -> str:
    """Text of octets that are said to be in `charset`.  Never fails.

    Unknown, absent and ASCII: UTF-8 if the octets are that, else Windows-1252, which is what unlabelled mail in the
    wild is.  What a known charset has no meaning for becomes U+FFFD.
    """
    codec = find_codec(charset) if charset else None
    if codec is None or codec in ("ascii", "utf_8"):
        try:
            return octets.decode()
        except UnicodeDecodeError:
            if codec == "utf_8":
                return octets.decode("utf-8", "replace")
            codec = "cp1252"
    try:
        return octets.decode(codec, "replace")
    except (UnicodeError, ValueError):  # some multi-byte codecs raise on a cut sequence whatever the error handler
        return octets.decode("latin-1")
