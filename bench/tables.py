"""From a table of TOML to a struct, with errors that name the key, the value and what was expected.

msgspec says what is wrong but not with which value, nor where in an array, nor what is known instead of an unknown key;
so keys are checked first, and the elements of an array one by one.
"""

import re
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from bench.errors import BadInput, unknown

Table = dict[str, Any]

_MISSING = re.compile(r"Object missing required field (?P<field>\S+)")
_AT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)


def convert(table: object, kind: Any, where: str = "") -> Any:
    """Make ``table`` into a ``kind``, a msgspec struct or a union of such; ``where`` is its dotted name.

    Raises:
        BadInput: the first thing that is wrong.
    """
    if not isinstance(table, dict):
        raise BadInput(f"{where}: expected a table ([{where}]), got {table!r}")
    struct = _choose(table, kind, where)
    _check(table, struct, where)
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise _explain(error, table, struct, where) from None


def keys(kind: Any, prefix: str = "") -> Iterator[str]:
    """Every dotted key that a struct knows, arrays of structs left out."""
    for name, field in _fields(kind).items():
        inner = _structs(field)
        if len(inner) == 1 and not _is_array(field):
            yield from keys(inner[0], f"{prefix}{name}.")
        else:
            yield prefix + name


def _check(table: Table, struct: Any, where: str) -> None:
    """Unknown keys and wrong elements, depth first in the order of the file."""
    known = _fields(struct)
    tag_field = struct.__struct_config__.tag_field
    for key, value in table.items():
        if key not in known and key != tag_field:
            raise unknown("key", _join(where, key), [_join(where, name) for name in known])
        if key in known and _structs(known[key]):
            _check_field(value, known[key], _join(where, key))


def _check_field(value: object, field: Any, where: str) -> None:
    if not _is_array(field):
        convert(value, field, where)
        return
    if not isinstance(value, list):
        raise BadInput(f"{where}: expected an array of tables ([[{where}]]), got {value!r}")
    for index, element in enumerate(value):
        name = element.get("name", index) if isinstance(element, dict) else index
        convert(element, get_args(field)[0], _join(where, str(name)))


def _choose(table: Table, kind: Any, where: str) -> Any:
    """Which struct of a union the table's tag names; the struct itself where there is no choice."""
    structs = _structs(kind)
    tags = {struct.__struct_config__.tag: struct for struct in structs}
    tag_field = structs[0].__struct_config__.tag_field
    if tag_field is None:
        return structs[0]
    if tag_field not in table:
        raise BadInput(f"{where}: {tag_field} is missing, expected one of {', '.join(sorted(tags))}")
    if table[tag_field] not in list(tags):  # which may be anything, also what no dict takes
        raise unknown(_join(where, tag_field), str(table[tag_field]), list(tags))
    return tags[table[tag_field]]


def _explain(error: msgspec.ValidationError, table: Table, struct: Any, where: str) -> BadInput:
    match = _AT.fullmatch(str(error))
    assert match is not None
    what, path = match["what"].replace("`", ""), (match["path"] or "").removesuffix("[...]")
    at = _join(where, path)
    if missing := _MISSING.fullmatch(what):
        return BadInput(f"{at}: {missing['field']} is missing" if at else f"{missing['field']} is missing")
    if path not in _fields(struct):  # a check of our own, which names the value itself
        return BadInput(f"{at}: {what}" if at else what)
    got = table.get(path)
    if what.startswith("Invalid enum"):
        return BadInput(f"{at}: expected {_any_of(_words(_fields(struct)[path]))}, got {got!r}")
    what = f"{what[0].lower()}{what[1:]}"
    return BadInput(f"{at}: {what}, got {got!r}" if "got" not in what else f"{at}: {what} {got!r}")


def _any_of(words: list[str]) -> str:
    return " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}"


def _words(kind: Any) -> list[str]:
    """What a field of fixed words may be."""
    if get_origin(kind) is Literal:
        return list(map(str, get_args(kind)))
    return ["a number"] if kind is int else [word for inner in get_args(kind) for word in _words(inner)]


def _fields(struct: Any) -> dict[str, Any]:
    """Type by the name that a file gives the field."""
    hints = get_type_hints(struct)
    return {field.encode_name: hints[field.name] for field in msgspec.structs.fields(struct)}


def _structs(kind: Any) -> list[Any]:
    """The struct types somewhere in a type: itself, of a union, or an array's elements."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [struct for inner in get_args(kind) for struct in _structs(inner)]


def _is_array(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return any(_is_array(inner) for inner in get_args(kind))
    return origin in (tuple, list)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where and key else where or key
