"""The house style: what a newsroom wants of every draft. Told to a language model, and checked here all the same."""

import re
import tomllib
from functools import lru_cache
from string import Template
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_MATTER = re.compile(r"\A\+\+\+\n(?P<values>.*?)^\+\+\+\n(?P<text>.*)\Z", re.DOTALL | re.MULTILINE)

#: What marks each form of "Leserinnen und Leser"; the pair itself has no mark.
_MARKS = {
    "doppelpunkt": re.compile(r"\w:inn?(?:en)?\b"),
    "stern": re.compile(r"\w\*inn?(?:en)?\b"),
    "unterstrich": re.compile(r"\w_inn?(?:en)?\b"),
    "binnen-i": re.compile(r"[a-zäöüß]Inn?(?:en)?\b"),
}
#: A reader who is addressed as "Sie" is never "du". The other way round "Sie" may be she or they.
_INFORMAL = re.compile(r"\b(?:du|dich|dir|dein\w{0,2}|euch|euer|eure\w?)\b", re.IGNORECASE)
_FORMAL = re.compile(r"(?<=[\w,;:] )(?:Ihnen|Ihre[rsmn]?)\b")
#: Words that are frequent in one of the two languages and don't exist in the other.
_GERMAN = frozenset(
    _listed("""aber auch auf aus bei dass dem den der des ein eine einem einen einer er es für habe haben hat ich ihr
    ist kein keine mit nach nicht noch nur oder sei seien seine sich sie sind über um und von vor werde werden wie wird
    zu zum zur""")
)
_ENGLISH = frozenset(
    _listed("""and are as because but by for from had has have he her his how is it its not of on our says she that the
    their there they this to we were what which who will with would you""")
)
#: No sentence of ours holds markup.
_MARKUP = re.compile(r"<[^<>]*>")
_QUOTATION = re.compile(r"[„“”\"»«]")

_ADDRESS_RULES = {"sie": "Leserinnen und Leser werden, wenn überhaupt, gesiezt.", "du": "Leserinnen und Leser werden, "
                  "wenn überhaupt, geduzt."}  # fmt: skip
_GENDER_RULES = {
    "paar": "Personen: neutral („Mitglieder“) oder beide Formen („Leserinnen und Leser“), keine Sonderzeichen im Wort.",
    "doppelpunkt": "Personen: neutral („Mitglieder“) oder mit Doppelpunkt („Leser:innen“).",
    "stern": "Personen: neutral („Mitglieder“) oder mit Stern („Leser*innen“).",
    "unterstrich": "Personen: neutral („Mitglieder“) oder mit Unterstrich („Leser_innen“).",
    "binnen-i": "Personen: neutral („Mitglieder“) oder mit Binnen-I („LeserInnen“).",
}


class HouseStyle(BaseModel):
    """What a newsroom asks of a draft."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Longest headline and chapter title, in characters.
    headline_chars: int = Field(ge=20)
    #: Longest sentence, in words.
    sentence_words: int = Field(ge=8)
    #: Most sentences of the lead, and of one chapter.
    lead_sentences: int = Field(ge=1)
    chapter_sentences: int = Field(ge=1)
    #: Longest quote, in words, and most quotes of a draft.
    quote_words: int = Field(ge=5)
    quotes: int = Field(ge=0)
    #: How readers are addressed.
    address: Literal["sie", "du"]
    gender: Literal["paar", "doppelpunkt", "stern", "unterstrich", "binnen-i"]
    #: Turns of phrase that never stand in a draft, inflected or not; words within quotes are the speakers' own.
    forbidden: tuple[str, ...]
    #: The style in words, as a language model reads it; `$name` stands for a value.
    text: str

    @property
    def rules(self) -> str:
        """The style as a language model is told it."""
        values = self.model_dump() | {
            "address_rule": _ADDRESS_RULES[self.address],
            "gender_rule": _GENDER_RULES[self.gender],
            "forbidden_phrases": ", ".join(f"„{phrase}“" for phrase in self.forbidden),
        }
        return Template(self.text).safe_substitute(values).strip()


def parse_style(text: str) -> HouseStyle:
    """Read a house style file: values in TOML between two lines of `+++`, then the style in words.

    Raises:
        ValueError: it has another form, or a value isn't known or allowed (tomllib's and pydantic's errors are such).
    """
    found = _MATTER.match(text)
    if found is None:
        message = "a house style begins with a line +++, its values in TOML, and another line +++"
        raise ValueError(message)
    return HouseStyle(**tomllib.loads(found["values"]), text=found["text"])


def breaches(text: str, style: HouseStyle, *, title: bool = False) -> tuple[tuple[str, str], ...]:
    """What a text of our own words violates: keys of the German reason under `style.<key>` and what was found.

    Args:
        text: one sentence, or a title.
        style: the newsroom's wishes.
        title: whether it is a headline or a chapter's title.
    """
    words = len(text.split())
    marks = {name: pattern.search(text) for name, pattern in _MARKS.items() if name != style.gender}
    wrong_address = (_INFORMAL if style.address == "sie" else _FORMAL).search(text)
    phrase = _phrases(style.forbidden).search(text) or _MARKUP.search(text)
    found = (
        ("too-long", str(style.headline_chars)) if title and len(text) > style.headline_chars else None,
        ("too-many-words", str(style.sentence_words)) if not title and words > style.sentence_words else None,
        ("quotation-marks", "") if _QUOTATION.search(text) else None,
        None if is_german(text) else ("not-german", ""),
        None if phrase is None else ("forbidden", phrase.group()),
        None if wrong_address is None else ("address", wrong_address.group()),
        *(("gender", match.group()) for match in marks.values() if match is not None),
    )
    return tuple(one for one in found if one is not None)


@lru_cache(maxsize=8)
def _phrases(forbidden: tuple[str, ...]) -> re.Pattern[str]:
    """Finds any of the phrases, its last word with any ending."""
    alternatives = "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in forbidden if phrase.strip())
    return re.compile(rf"\b(?:{alternatives})\w{{0,3}}\b" if alternatives else r"(?!)", re.IGNORECASE)


def is_german(text: str) -> bool:
    """Whether a text isn't English: short titles are given the benefit of the doubt."""
    words = re.findall(r"\w+", text.lower())
    return sum(word in _ENGLISH for word in words) <= sum(word in _GERMAN for word in words)


def allows(text: str, style: HouseStyle, *, title: bool = False) -> bool:
    """Whether something that was said may be taken over: free of forbidden phrases; as a title, also short enough."""
    return _phrases(style.forbidden).search(text) is None and not (title and len(text) > style.headline_chars)


def allows_sentence(text: str, style: HouseStyle) -> bool:
    """Whether a sentence that was said may be taken over: free of forbidden phrases and not too long, frame aside."""
    return allows(text, style) and len(text.split()) <= style.sentence_words
