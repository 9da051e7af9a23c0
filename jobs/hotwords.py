"""What the recognizer is told to listen for: few words, the most useful first."""

import re
from collections.abc import Callable, Sequence

from wordfreq import zipf_frequency

from jobs.programme import Talk

#: Tokens that Whisper's prompt may have: half of its 448 positions, less one, less the token that begins it
#: (`get_prompt` in faster-whisper cuts there, in mid-word). Hotwords and an initial prompt share them.
MAX_PROMPT_TOKENS = 223
#: Stands between two of them.
SEPARATOR = ", "
#: On wordfreq's Zipf scale: what is rarer than this, a recognizer may not know.
_RARE = 3.0
_WORD = re.compile(r"[^\W\d_][\w’'-]*")


def hotwords(talk: Talk) -> tuple[str, ...]:
    """Guests' names, then terms and names the rarest first, then rare words of the title; each once.

    Rarity is that in German or English, whichever is more common.
    """
    guests = [guest.name for guest in talk.guests]
    terms = sorted(talk.terms, key=_rarest)
    said = " ".join((*guests, *terms)).casefold()
    title = [word for word in _WORD.findall(talk.title or "") if _is_rare_name(word) and word.casefold() not in said]
    first: dict[str, str] = {}
    for entry in (*guests, *terms, *title):
        first.setdefault(entry.casefold(), entry)
    return tuple(first.values())


def fit(entries: Sequence[str], count: Callable[[str], int], *, limit: int = MAX_PROMPT_TOKENS) -> tuple[str, ...]:
    """As many entries as fit, whole, in their order; one that is too long makes room for those behind it.

    Args:
        entries: the most useful first.
        count: tokens of a text, as the recognizer's own tokenizer counts them.
        limit: tokens that all of them may have, joined by `SEPARATOR`.
    """
    taken: tuple[str, ...] = ()
    for entry in entries:
        longer = (*taken, entry)
        if count(SEPARATOR.join(longer)) <= limit:
            taken = longer
    return taken


def _rarest(term: str) -> float:
    """The frequency of the rarest word of a term."""
    return min((_frequency(word) for word in _WORD.findall(term)), default=0.0)


def _is_rare_name(word: str) -> bool:
    return word[0].isupper() and _frequency(word) < _RARE


def _frequency(word: str) -> float:
    return max(float(zipf_frequency(word, language)) for language in ("de", "en"))
