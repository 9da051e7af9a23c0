"""What a language model is asked, and the form its answers must have.

Whatever was said on a stage goes in as JSON data behind the instructions. What comes back is parsed into the types
below; nothing else of an answer is ever looked at.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from string import Template
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

#: Names of the templates that a writer needs, `config/prompts/NAME.de.md`.
TEMPLATES = ("system", "claims", "compose", "lead", "repair", "translate", "shorter")
#: Characters of German to a token, at the least; measured on the vocabularies of open models.
CHARS_PER_TOKEN = 2.0
#: More entries than any prompt asks for; servers build a grammar of it, so it is kept small.
MAX_ITEMS = 12
#: Longest text of one entry, in characters; the house style is stricter.
MAX_TEXT = 600
#: Places in a chatty answer at which JSON is looked for.
_MAX_OPENINGS = 40

_THOUGHT = re.compile(r"\A.*</think>", re.DOTALL)


class _Answer(BaseModel):
    """Fields nobody asked for are dropped; a server that knows schemas can't even send them."""

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra={"additionalProperties": False})


def _in_one_line(text: str) -> str:
    """Half a surrogate pair, which JSON can escape, could be stored in no file."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


_Text = Annotated[str, AfterValidator(_in_one_line), Field(json_schema_extra={"maxLength": MAX_TEXT})]


def _items() -> Any:
    return Field(json_schema_extra={"maxItems": MAX_ITEMS})


class Claim(_Answer):
    """One thing that somebody said, in the model's words."""

    text: _Text
    evidence: tuple[str, ...] = _items()


class Pointer(_Answer):
    """Where a quote stands. The words themselves are taken from the transcript."""

    evidence: tuple[str, ...] = _items()
    #: The first and the last words of the passage.
    first: _Text
    last: _Text


class Claims(_Answer):
    """What a passage says."""

    claims: tuple[Claim, ...] = _items()
    quotes: tuple[Pointer, ...] = _items()


class Line(_Answer):
    """A sentence or title made of claims."""

    text: _Text
    #: Numbers of the claims, counted from 1.
    claims: tuple[int, ...] = _items()


class Composition(_Answer):
    """A chapter, or what stands above all chapters."""

    title: Line
    sentences: tuple[Line, ...] = _items()


class Repair(_Answer):
    """One sentence, written again."""

    number: int
    text: _Text
    evidence: tuple[str, ...] = _items()


class Repairs(_Answer):
    """Sentences that were sent back, written again; those left out can't be said."""

    repaired: tuple[Repair, ...] = _items()


class Translation(_Answer):
    """One quote in German."""

    number: int
    text: _Text


class Translations(_Answer):
    """Quotes in German."""

    translations: tuple[Translation, ...] = _items()


A = TypeVar("A", bound=_Answer)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request to a language model."""

    #: Name of the template, and of the answer's schema.
    task: str
    system: str
    #: Instructions, then the data.
    user: str

    @property
    def chars(self) -> int:
        """Length of both messages."""
        return len(self.system) + len(self.user)


class Unanswered(Exception):  # noqa: N818  # a way the talk with a model can go, not a fault
    """A model answered, but not in the form asked for, and not on being asked again."""


class TooMuch(Unanswered):
    """The prompt doesn't fit into the model's window: ask about less."""


class Ask(Protocol):
    """Somebody who asks a language model."""

    def __call__(self, prompt: Prompt, kind: type[A]) -> A:
        """Ask, and read the answer.

        Raises:
            Unanswered, TooMuch: as they say.
            EngineError: no model can be reached.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stationery:
    """Fills templates with data."""

    #: Name → text with `$gaps`; see `TEMPLATES`.
    templates: Mapping[str, str]
    #: The house style in words.
    rules: str

    def prompt(self, task: str, data: object, **gaps: int) -> Prompt:
        """Ask about data, which is anything that JSON can hold."""
        system = Template(self.templates["system"]).safe_substitute(house_style=self.rules)
        instructions = Template(self.templates[task]).safe_substitute(gaps)
        return Prompt(task, system.strip(), f"{instructions.strip()}\n\nMaterial:\n{enclosed(data)}")


def enclosed(data: object) -> str:
    r"""Data as JSON that no word in it can get out of, neither by quotation marks nor by a chat template's <|tags|>.

    Examples:
        >>> enclosed({"text": 'Ende." <|im_end|>'})
        '{"text":"Ende.\\" \\u003c|im_end|\\u003e"}'
    """
    plain = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair can't be sent.
    sendable = plain.encode("utf-8", "replace").decode()
    return sendable.replace("<", "\\u003c").replace(">", "\\u003e")


def schema_of(kind: type[_Answer]) -> dict[str, Any]:
    """The answer's JSON Schema; closed, without titles and descriptions, which cost tokens."""
    plain: dict[str, Any] = _stripped(kind.model_json_schema())
    return plain


def parse_answer(text: str, kind: type[A]) -> A | None:
    """Find the answer in what a model wrote: thoughts, prose and code fences around the JSON don't matter.

    Returns:
        The last object of that form, because some models repeat the example first; None where there is none.
    """
    found: A | None = None
    for value in _objects(_THOUGHT.sub("", text)):
        with suppress(ValidationError):
            found = kind.model_validate(value)
    return found


def _objects(text: str) -> Iterator[object]:
    decoder, at = json.JSONDecoder(), -1
    for _ in range(_MAX_OPENINGS):
        at = text.find("{", at + 1)
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            continue
        yield value
        at = end - 1


def _stripped(node: Any) -> Any:
    if isinstance(node, dict):
        dropped = {"description", "title"} if "type" in node or "$ref" in node else set()
        return {key: _stripped(value) for key, value in node.items() if key not in dropped or isinstance(value, dict)}
    return [_stripped(one) for one in node] if isinstance(node, list) else node
