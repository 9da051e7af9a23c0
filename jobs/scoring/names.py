"""Whether names and terms are spelt as a list spells them, wherever they are said."""

from collections.abc import Iterator, Sequence

from wordfreq import zipf_frequency

from jobs.scoring.alignment import Alignment
from jobs.scoring.measure import Errors, Measure
from jobs.scoring.normalizer import tokens

#: A part of a longer name counts by itself below this on wordfreq's Zipf scale: "Lindner" does, "Zeit" doesn't.
_KNOWN_TO_ALL = 5.0

_Name = tuple[str, ...]


def name_errors(alignment: Alignment, names: Sequence[str]) -> Measure | None:
    """Mentions in the reference that aren't written alike in the same place; a genitive "s" changes nothing.

    A mention is a whole name of the list, or a part of one that isn't an everyday word; a unit is a mention. None
    where there are none.
    """
    known = frozenset(_spellings(names))
    lasts = frozenset(name[-1] for name in known)
    said = [_bare(spot.text, lasts) for spot in alignment.said]
    right = {
        step.said for step in alignment.steps
        if step.said is not None and step.heard is not None
        and said[step.said] == _bare(alignment.heard[step.heard].text, lasts)
    }  # fmt: skip
    mentions = tuple(_mentions(said, known))
    errors = (Errors(confused=0 if right.issuperset(mention) else 1, of=1) for mention in mentions)
    return Measure(tuple(errors)) if mentions else None


def _mentions(said: Sequence[str], known: frozenset[_Name]) -> Iterator[range]:
    """Where names stand, the longest first, none within another."""
    longest = max(map(len, known), default=0)
    place = 0
    while place < len(said):
        sizes = range(min(longest, len(said) - place), 0, -1)
        size = next((size for size in sizes if tuple(said[place : place + size]) in known), 0)
        if size:
            yield range(place, place + size)
        place += size or 1


def _spellings(names: Sequence[str]) -> Iterator[_Name]:
    for name in names:
        whole = tuple(token.text for token in tokens(name.split()))
        if whole:
            yield whole
        for part in whole if len(whole) > 1 else ():
            if len(part) > 2 and max(zipf_frequency(part, language) for language in ("de", "en")) < _KNOWN_TO_ALL:
                yield (part,)


def _bare(text: str, lasts: frozenset[str]) -> str:
    """A word without the ending of a genitive, where that leaves a name or the end of one."""
    forms = (text, text.removesuffix("s"), text.removesuffix("es"))
    return next((form for form in forms if form in lasts), text)
