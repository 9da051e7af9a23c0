"""Which texts of one version stand in another, moved or reworded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

#: Texts less alike than this aren't the same one reworded; 1.0 is equal.
MIN_ALIKE = 0.5
#: What it adds that two texts name the same source.
_SAME_SOURCE = 0.3
#: Of more texts than this, reworded ones aren't looked for: their pairs are too many.
_MOST = 1500  # a draft of hours has some hundred


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is looked for."""

    #: Texts of different kinds are never paired.
    kind: str
    text: str
    #: Where it says that it comes from; empty where it doesn't say.
    source: tuple[str, ...] = ()


def paired(before: Sequence[Text], after: Sequence[Text]) -> Mapping[int, int]:
    """For places of `after` the place in `before` that became it; each place is used once.

    What is equal goes first, in order as far as possible; then what is most alike.
    """
    found = {new: old for old, new in _in_order(before, after)}
    left = dict.fromkeys(place for place in range(len(before)) if place not in found.values())
    for new, text in enumerate(after):
        old = None if new in found else next((place for place in left if _same(before[place], text)), None)
        if old is not None:
            found[new] = old
            del left[old]
    olds, news = tuple(left), tuple(new for new in range(len(after)) if new not in found)
    for _, old, new in sorted(_alike(before, after, olds, news)):
        if old in left and new not in found:
            found[new] = old
            del left[old]
    return found


def _same(one: Text, other: Text) -> bool:
    return (one.kind, one.text) == (other.kind, other.text)


def _in_order(before: Sequence[Text], after: Sequence[Text]) -> Iterator[tuple[int, int]]:
    steps = Levenshtein.opcodes([(one.kind, one.text) for one in before], [(one.kind, one.text) for one in after])
    for step in steps:
        if step.tag == "equal":
            yield from zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=True)


def _alike(
    before: Sequence[Text], after: Sequence[Text], olds: Sequence[int], news: Sequence[int]
) -> Iterator[tuple[float, int, int]]:
    """Pairs that may be one text reworded, with how unlike they are."""
    if len(olds) * len(news) > _MOST**2:
        return
    table = process.cdist([before[old].text for old in olds], [after[new].text for new in news], scorer=fuzz.ratio)
    for row, old in zip(table, olds, strict=True):
        for percent, new in zip(row, news, strict=True):
            source = before[old].source
            alike = float(percent) / 100 + (_SAME_SOURCE if source and source == after[new].source else 0.0)
            if alike >= MIN_ALIKE and before[old].kind == after[new].kind:
                yield -alike, old, new
