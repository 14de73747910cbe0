"""Every API method that a generated SDK client has, and arguments for each, made from its signature alone.

The values are as odd as those of the SDKs' own test suites: "string", 0, True, one-element lists, ids that need escapes.
"""

from __future__ import annotations

import datetime
import enum
import inspect
import types
import typing
from collections.abc import Iterable, Mapping, Sequence

import typing_extensions

ESCAPED = "a b/ü%?#&+"
_DEEP = 4
_SKIPPED = frozenset({"self", "extra_headers", "extra_query", "extra_body", "timeout", "idempotency_key"})
_LITERALS = (typing.Literal, typing_extensions.Literal)
_WRAPPED = (typing.Annotated, typing.Required, typing.NotRequired, typing_extensions.Required, typing_extensions.NotRequired)


def methods(resource, path=()):
    """(dotted name, resource, method name) of everything that can be asked of a client, resources inside resources included."""
    if path:
        for name, call in sorted(vars(resource.with_raw_response).items()):
            if not name.startswith("_") and callable(call):
                yield ".".join((*path, name)), resource, name
    for name in sorted(dir(type(resource))):
        static = inspect.getattr_static(type(resource), name)
        if not name.startswith(("_", "with_")) and type(static).__name__ == "cached_property":
            inner = getattr(resource, name)
            if hasattr(inner, "with_raw_response"):
                yield from methods(inner, (*path, name))


class NoValue(Exception):
    """No value of this type can be made."""


def arguments(call, *, full):
    """Keyword arguments for a method: what it requires, or with `full` as much as can be made up, path parameters odd."""
    signature = inspect.signature(call)
    hints = _hints(inspect.unwrap(getattr(call, "__func__", call)))
    made = {}
    for name, parameter in signature.parameters.items():
        if name in _SKIPPED or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        required = parameter.default is parameter.empty
        if not required and not full:
            continue
        if name == "stream":
            made[name] = True
            continue
        try:
            in_path = parameter.kind is parameter.POSITIONAL_OR_KEYWORD or name.endswith("_id")
            made[name] = ESCAPED if full and in_path and hints.get(name) is str else _value(hints[name], name, full, 0)
        except (NoValue, KeyError):
            if required:
                raise NoValue(name) from None
    return made


def _hints(thing):
    """Type hints of a function or typed dict; each name by itself where some cannot be resolved."""
    try:
        return typing_extensions.get_type_hints(thing, include_extras=False)
    except (NameError, TypeError, AttributeError):
        return {}


def _value(hint, name, full, depth):
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if depth > _DEEP:
        raise NoValue(name)
    if origin in _LITERALS:
        return args[-1 if full else 0]
    if origin in _WRAPPED:
        return _value(args[0], name, full, depth)
    if origin in (typing.Union, types.UnionType):
        return _one_of(args, name, full, depth)
    if typing_extensions.is_typeddict(hint):
        return _typed_dict(hint, full, depth)
    if origin in (list, Iterable, Sequence) or (origin is not None and "Sequence" in getattr(origin, "__name__", "")):
        return [_value(args[0], name, full, depth + 1)]
    if origin in (dict, Mapping):
        return {"foo": _value(args[1], name, full, depth + 1)}
    if origin is tuple:
        return tuple(_value(arg, name, full, depth + 1) for arg in args)
    return _plain(hint, name)


def _plain(hint, name):
    simple = {str: name if name.endswith("_id") else "string", int: 0, float: 0, bool: True, bytes: b"raw \x00\xff contents\r\n"}
    if hint in simple:
        return simple[hint]
    if hint in (object, typing.Any):
        return {"foo": [1, None, "é"]}
    if hint is datetime.datetime:
        return datetime.datetime(2019, 12, 27, 18, 11, 19, 117000, tzinfo=datetime.UTC)
    if hint is datetime.date:
        return datetime.date(2019, 12, 27)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return next(iter(hint))
    raise NoValue(name)


def _one_of(args, name, full, depth):
    """A file where one may be given (with a name and a type in a full call), else the first that can be made; the last if full."""
    if bytes in args:
        return ('näme "q".bin', b"raw \x00\xff contents\r\n", "text/plain") if full else b"raw \x00\xff contents\r\n"
    for arg in args:
        if arg is type(None) or getattr(arg, "__name__", "") in {"Omit", "NotGiven"}:
            continue
        try:
            return _value(arg, name, full, depth)
        except NoValue:
            continue
    raise NoValue(name)


def _typed_dict(hint, full, depth):
    hints, made = _hints(hint), {}
    for key in hints:
        required = key in hint.__required_keys__
        if not required and not (full and depth < 2):
            continue
        try:
            made[key] = _value(hints[key], key, full, depth + 1)
        except NoValue:
            if required:
                raise
    if not hints and hint.__required_keys__:
        raise NoValue(hint.__name__)
    return made
