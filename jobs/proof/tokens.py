"""A text cut into words, figures and signs, each with its place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

#: Figures keep the dots, commas and colons within them: "12.900.000", "0,8", "20:15", "03.05.2024".
#: "O'Neill" is one word.
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’](?=[A-ZÄÖÜ])[^\W\d_]+)*|[^\s\w]")
#: "1 500" is one number, "2030 100" are two.
_GROUPING = re.compile(r"(?<!\d{4})(?<=\d)[ \u00a0\u202f'’](?=\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a figure or a sign."""

    text: str
    #: Place of its first character, and of the one behind its last.
    start: int
    end: int

    @property
    def low(self) -> str:
        """The text in small letters."""
        return self.text.lower().replace("’", "'")

    @property
    def is_figure(self) -> bool:
        """Whether it is written in digits."""
        return self.text[0].isdecimal()

    @property
    def is_word(self) -> bool:
        """Whether it is made of letters."""
        return self.text[0].isalpha()


def tokens(text: str) -> tuple[Token, ...]:
    """Cut a text up; places count in the text without the blanks that group digits.

    Examples:
        >>> [token.text for token in tokens("Am 3. Mai: 1 500 €, 40%")]
        ['Am', '3', '.', 'Mai', ':', '1500', '€', ',', '40', '%']
    """
    return tuple(Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(_GROUPING.sub("", text)))


def joined(part: Sequence[Token]) -> str:
    """Tokens as they are written, with a blank wherever there was room for one."""
    if not part:
        return ""
    words = (token.text + " " * (after.start > token.end) for token, after in pairwise(part))
    return "".join((*words, part[-1].text))
