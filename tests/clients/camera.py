"""Reads QR codes as the camera of a phone does: from a picture of the screen, by libzbar."""

from __future__ import annotations

import base64
import ctypes
import ctypes.util
from functools import cache
from typing import TYPE_CHECKING

from tests.cannot_run import cannot_run

if TYPE_CHECKING:
    from tests.clients.chromium import Tab

GREY = int.from_bytes(b"Y800", "little")  # one octet per pixel
# A browser unpacks the picture.
PIXELS = """
(async () => {
  const image = new Image();
  image.src = 'data:image/png;base64,%s';
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  const grey = new Uint8Array(pixels.length / 4).map((_, at) => pixels[4 * at + 1]);
  return [image.width, image.height, grey.toBase64()];
})()
"""


def read_code(png: bytes, blank: Tab) -> str:
    """The text of the one QR code in a picture; `blank` is an empty page, which may draw."""
    width, height, grey = blank.run(PIXELS % base64.b64encode(png).decode("ascii"))
    (text,) = _scan(width, height, base64.b64decode(grey))
    return text


def _scan(width: int, height: int, grey: bytes) -> list[str]:
    zbar = _library()
    scanner, image = zbar.zbar_image_scanner_create(), zbar.zbar_image_create()
    try:
        zbar.zbar_image_set_format(image, ctypes.c_ulong(GREY))
        zbar.zbar_image_set_size(image, width, height)
        zbar.zbar_image_set_data(image, grey, ctypes.c_ulong(len(grey)), None)
        zbar.zbar_scan_image(scanner, image)
        found = []
        symbol = zbar.zbar_image_first_symbol(image)
        while symbol:
            found.append(zbar.zbar_symbol_get_data(symbol).decode())
            symbol = zbar.zbar_symbol_next(symbol)
        return found
    finally:
        zbar.zbar_image_destroy(image)
        zbar.zbar_image_scanner_destroy(scanner)


@cache
def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("zbar")
    if name is None:
        cannot_run("libzbar is not installed; script/tests-setup installs it as root on Debian")
    library = ctypes.CDLL(name)
    takes = {
        "zbar_image_scanner_create": [],
        "zbar_image_create": [],
        "zbar_image_first_symbol": [ctypes.c_void_p],
        "zbar_symbol_next": [ctypes.c_void_p],
    }
    for function, arguments in takes.items():
        getattr(library, function).argtypes = arguments
        getattr(library, function).restype = ctypes.c_void_p
    library.zbar_symbol_get_data.argtypes = [ctypes.c_void_p]
    library.zbar_symbol_get_data.restype = ctypes.c_char_p
    library.zbar_image_set_format.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
    library.zbar_image_set_size.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    library.zbar_image_set_data.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_void_p]
    library.zbar_scan_image.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.zbar_image_destroy.argtypes = [ctypes.c_void_p]
    library.zbar_image_scanner_destroy.argtypes = [ctypes.c_void_p]
    return library
