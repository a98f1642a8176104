"""Operations that write, as octets: msgpack of plain values, typed back where they arrive.

The types are those of the operation's own signature, so what travels is said nowhere but there.  Operations that read
stay where they are: every process reads every shard by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, get_args, get_type_hints

import msgspec

from mailkeep.model.errors import Invalid
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op
from mailkeep.store.ops import OPS

VERSION: Final = 7  # of all operations together; raised with every change of a signature


def find_op(name: str, version: int) -> Callable[..., Op[Any]]:
    """The operation that travels under this name.  Raises: Invalid."""
    if version != VERSION or name not in OPS:
        raise Invalid(f"there is no operation {name} in version {version}")
    return OPS[name]


def encode(value: object) -> bytes:
    """Arguments, as a tuple without the account; or a result.  Raises: Invalid (text that is no Unicode)."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise Invalid("Not Unicode text") from error


def decode_arguments(name: str, data: bytes) -> tuple[Any, ...]:
    """The arguments of the operation `name`, after the account.  Raises: Invalid."""
    arguments: tuple[Any, ...] = _decode(_decoders(name)[0], data)
    return arguments


def decode_result(name: str, data: bytes) -> Any:
    """What the operation `name` returned.  Raises: Invalid."""
    return _decode(_decoders(name)[1], data)


def _decode(decoder: msgspec.msgpack.Decoder[Any], data: bytes) -> Any:
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as error:
        raise Invalid(f"not what an operation takes or gives: {error}") from error


@cache
def _decoders(name: str) -> tuple[msgspec.msgpack.Decoder[Any], msgspec.msgpack.Decoder[Any]]:
    hints = get_type_hints(OPS[name])
    result = get_args(hints.pop("return"))[2]  # of Generator[Sql, Rows, T]
    del hints["account"]
    arguments: Any = tuple.__class_getitem__(tuple(hints.values()))
    return (
        msgspec.msgpack.Decoder(arguments, dec_hook=_typed),
        msgspec.msgpack.Decoder(result, dec_hook=_typed),
    )


def _plain(value: object) -> object:
    if isinstance(value, UidSet):
        return value.to_bytes()
    raise NotImplementedError(f"{type(value).__name__} does not travel")


def _typed(wanted: type, plain: Any) -> object:
    if wanted is UidSet:
        return UidSet.from_bytes(plain)
    raise NotImplementedError(f"{wanted.__name__} does not travel")


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_plain)
