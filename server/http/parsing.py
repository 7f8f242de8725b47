"""Requests to structs, or a sentence that names the field that is wrong."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from domain.appointments import FIRST_MS
from domain.ids import ID_PATTERN
from domain.refusal import Code, Refusal

S = TypeVar("S", bound=msgspec.Struct)

_where = re.compile(r" - at `\$\.?(.*)`$")
_of_a_form = re.compile(r"`str` matching regex '.*'(?= - at |$)")
_no_field = re.compile(r"\AObject missing required field '(.*)'\Z")
_odd_field = re.compile(r"\AObject contains unknown field '(.*)'\Z")
_AN_ID = "1 to 64 characters of A-Z a-z 0-9 . _ : -, but not . or .."
_MILLISECONDS = "milliseconds since 1970, of the year 2000 or later"
_EXPLANATION = 500
"""Characters at most: what was given may be in it, and that is of any length."""

NOT_JSON = Refusal(Code.BAD_REQUEST, "The body is not valid JSON.")


def parse_body(raw: bytes, wanted: type[S]) -> S | Refusal:
    """The JSON body ``raw`` as ``wanted``."""
    try:
        return msgspec.json.decode(raw, type=wanted)
    except msgspec.ValidationError as error:
        return Refusal(Code.BAD_REQUEST, _explain(error, "The body"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return NOT_JSON


def record_of(given: object, wanted: Any) -> Any:
    """One record of a body that holds many, as ``wanted``, or the `Refusal` of it."""
    try:
        return msgspec.convert(given, wanted)
    except msgspec.ValidationError as error:
        return Refusal(Code.BAD_REQUEST, _explain(error, "The record"))


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
        return Refusal(Code.BAD_REQUEST, _explain(error, "The address"))


def _explain(error: msgspec.ValidationError, what: str) -> str:
    """What the library says, about a field by its name, without its own notation."""
    said = str(error).replace(f"`str` matching regex {ID_PATTERN!r}", f"an id ({_AN_ID})")
    said = _of_a_form.sub("text of another form", said)
    found = _where.search(said)
    subject = what if found is None else f"'{found[1]}'"
    sentence = _where.sub("", said).replace("`", "'")
    sentence = _no_field.sub(r"the field '\1' is missing", sentence)
    sentence = _odd_field.sub(r"there is no field '\1'", sentence)
    sentence = sentence.replace(f"'int' >= {FIRST_MS}", _MILLISECONDS)
    for name, plain in (("'object'", "an object"), ("'array'", "a list"), ("'str'", "text")):
        sentence = sentence.replace(name, plain)
    explanation = f"{subject}: {sentence[0].lower()}{sentence[1:]}."
    if len(explanation) <= _EXPLANATION:
        return explanation
    return f"{explanation[:_EXPLANATION]}…"
