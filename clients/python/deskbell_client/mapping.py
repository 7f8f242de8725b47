"""Maps of the wire to frozen dataclasses and back, by the annotations of their fields.

Reading ignores fields it does not know and takes defaults for those left out; writing leaves out
fields at their default and keeps the order of the dataclass.
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from deskbell_client.errors import WireError

T = TypeVar("T")
_Reader = Callable[[Any], Any]


def read(kind: type[T], value: object) -> T:
    """``value`` (a map) as an instance of the dataclass ``kind``; raises `WireError`."""
    return cast(T, _record_reader(cast(Any, kind))(value))


def write(record: object) -> dict[str, Any]:
    """The map of a dataclass instance, without the fields that have their default value."""
    written: dict[str, Any] = {}
    for name, default in _defaults(cast(Any, type(record))):
        value = getattr(record, name)
        if value != default:
            written[name] = _plain(value)
    return written


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return write(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value


@cache
def _defaults(kind: Any) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, field.default) for field in dataclasses.fields(kind))


@cache
def _record_reader(kind: Any) -> _Reader:
    hints = get_type_hints(kind)
    required = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}

    def read_record(value: Any) -> Any:
        if not isinstance(value, dict):
            raise WireError(f"{kind.__name__} is not a map")
        taken = {}
        for name, reader in readers.items():
            if name in value:
                try:
                    taken[name] = reader(value[name])
                except WireError as error:
                    raise WireError(f"{kind.__name__}.{name}: {error}") from None
            elif name in required:
                raise WireError(f"{kind.__name__}.{name} is missing")
        return kind(**taken)

    return read_record


def _reader(hint: Any) -> _Reader:
    if dataclasses.is_dataclass(hint):
        return _record_reader(cast(type, hint))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (inner,) = (_reader(one) for one in arguments if one is not NoneType)
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        return _list_reader(_reader(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _map_reader(_reader(arguments[1]))
    return _number if hint is float else _exactly(hint)


def _list_reader(item: _Reader) -> _Reader:
    def read_list(value: Any) -> Any:
        if not isinstance(value, list):
            raise WireError("not a list")
        return tuple(map(item, value))

    return read_list


def _map_reader(item: _Reader) -> _Reader:
    def read_map(value: Any) -> Any:
        if not isinstance(value, dict):
            raise WireError("not a map")
        return {key: item(each) for key, each in value.items()}

    return read_map


def _exactly(kind: type) -> _Reader:
    def read_value(value: Any) -> Any:
        if type(value) is not kind:
            raise WireError(f"not {kind.__name__}")
        return value

    return read_value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise WireError("not a number")
    return float(value)
