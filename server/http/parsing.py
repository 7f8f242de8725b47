"""Requests to structs, or a sentence that names the field that is wrong."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from domain.appointments import FIRST_MS, LAST_MS
from domain.ids import ID_PATTERN
from domain.refusal import Code, Refusal

S = TypeVar("S", bound=msgspec.Struct)

_where = re.compile(r" - at `\$\.?(.*)`$")
_of_a_form = re.compile(r"`str` matching regex '.*'(?= - at |$)")
_no_field = re.compile(r"\AObject missing required field '(.*)'\Z")
_odd_field = re.compile(r"\AObject contains unknown field '(.*)'\Z")
_AN_ID = "1 to 64 characters of A-Z a-z 0-9 . _ : -, but not . or .."
_MILLISECONDS = "milliseconds since 1970, of the years 2000 to 9998"
_moment = re.compile(rf"a whole number (?:>= {FIRST_MS}|<= {LAST_MS - 1})")
_EXPLANATION = 500
"""Characters at most: what was given may be in it, and that is of any length."""

_PLAIN = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "NoneType": "null",
    "list": "a list",
    "dict": "an object",
}
_kind = f"(?:{'|'.join(_PLAIN)})"
_kinds = re.compile(rf"`({_kind}(?: \| {_kind})*)`")
_no_value = re.compile(r"\AInvalid (?:enum )?value (.*)\Z")
_POSITIONS = ("after", "before")
_half = re.compile(rb"\\u[dD][89a-fA-F]")
_step = re.compile(r"[^.\[\]]+|\[[^\]]*\]")


def parse_body(raw: bytes, wanted: type[S]) -> S | Refusal:
    """The JSON body ``raw`` as ``wanted``."""
    try:
        return msgspec.json.decode(raw, type=wanted)
    except msgspec.ValidationError as error:
        return Refusal(Code.BAD_REQUEST, _explain(error, wanted, "The body"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refusal(Code.BAD_REQUEST, _not_json(raw, error))


def record_of(given: object, wanted: Any) -> Any:
    """One record of a body that holds many, as ``wanted``, or the `Refusal` of it."""
    try:
        return msgspec.convert(given, wanted)
    except msgspec.ValidationError as error:
        return Refusal(Code.BAD_REQUEST, _explain(error, wanted, "The record"))


def parse_parameters(
    path: Mapping[str, str], query: Iterable[tuple[str, str]], wanted: type[S]
) -> S | Refusal:
    """The parameters in the path and the query, as ``wanted``; each may be given once."""
    given = dict(path)
    for name, value in query:
        if name in given:
            return Refusal(Code.BAD_REQUEST, f"Give the parameter '{name}' once.")
        given[name] = value
    try:
        return msgspec.convert(given, wanted, strict=False)
    except msgspec.ValidationError as error:
        return Refusal(Code.BAD_REQUEST, _explain(error, wanted, "The address"))


def _not_json(raw: bytes, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "The body is not UTF-8."
    if isinstance(error, RecursionError):
        return "The body is nested too deeply."
    if _half.search(raw):
        with suppress(ValueError, RecursionError):
            json.loads(raw)  # it minds everything else
            return "The body holds half a character, a lone surrogate. Send whole ones."
    said = str(error).removeprefix("JSON is malformed: ")
    return f"The body is not valid JSON: {said[0].lower()}{said[1:]}."


def _explain(error: msgspec.ValidationError, wanted: Any, what: str) -> str:
    """What the library says, about a field by its name, without its own notation."""
    said = str(error).replace(f"`str` matching regex {ID_PATTERN!r}", f"an id ({_AN_ID})")
    said = _of_a_form.sub("text of another form", said)
    found = _where.search(said)
    subject = what if found is None else f"'{found[1]}'"
    sentence = _where.sub("", said)
    if found and found[1] in _POSITIONS:
        sentence = sentence.replace("text of another form", "the 'next' of the page before")
    if sentence.startswith("Expected"):
        sentence = _kinds.sub(_in_words, sentence)
    sentence = sentence.replace("`", "'")
    sentence = _no_field.sub(r"the field '\1' is missing", sentence)
    sentence = _odd_field.sub(r"there is no field '\1'", sentence)
    sentence = _moment.sub(_MILLISECONDS, sentence)
    if odd := _no_value.fullmatch(sentence):
        sentence = f"expected {_values(wanted, found[1] if found else '')}, got {odd[1]}"
    explanation = f"{subject}: {sentence[0].lower()}{sentence[1:]}."
    if len(explanation) <= _EXPLANATION:
        return explanation
    return f"{explanation[:_EXPLANATION]}…"


def _in_words(found: re.Match[str]) -> str:
    return " or ".join(_PLAIN[each] for each in found[1].split(" | "))


def _values(wanted: Any, where: str) -> str:
    """What may stand at ``where`` of ``wanted``, where that is one of a few."""
    values: list[object] = []
    for kind in _kinds_at(inspect.type_info(wanted), _step.findall(where)):
        if isinstance(kind, inspect.EnumType):
            values += [member.value for member in kind.cls]
        elif isinstance(kind, inspect.LiteralType):
            values += kind.values
    return " or ".join(f"'{value}'" for value in dict.fromkeys(values))


def _kinds_at(kind: inspect.Type, steps: Sequence[str]) -> Iterator[inspect.Type]:
    """The types that may stand where ``steps`` lead to from ``kind``."""
    inside: Iterable[inspect.Type] = ()
    match kind:
        case inspect.Metadata():
            yield from _kinds_at(kind.type, steps)
        case inspect.UnionType():
            for each in kind.types:
                yield from _kinds_at(each, steps)
        case _ if not steps:
            yield kind
        case inspect.StructType() if steps == [kind.tag_field]:
            yield inspect.LiteralType((kind.tag,))
        case inspect.StructType():
            inside = [field.type for field in kind.fields if field.encode_name == steps[0]]
        case inspect.DictType():
            inside = (kind.value_type,)
        case inspect.TupleType():
            inside = kind.item_types
        case inspect.ListType() | inspect.VarTupleType() | inspect.FrozenSetType():
            inside = (kind.item_type,)
    for each in inside:
        yield from _kinds_at(each, steps[1:])
