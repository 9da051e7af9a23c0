"""The sentences that hold most of a chapter."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from jobs.german import is_finished
from jobs.writing.asking import is_answer
from jobs.writing.material import SELF_CONTAINED, Material, Taste, chosen
from jobs.writing.phrases import ADDRESSES, INTRODUCES, META, PRESENTS, opens_topic
from jobs.writing.worth import names_something

KEY_WORDS = range(5, 41)
#: A question is answered in fewer words than a key sentence needs: "Technisch ist das möglich."
ANSWER_WORDS = range(4, 41)

#: Whether the house style allows a text.
Allowed = Callable[[str], bool]


def key_sentences(
    material: Material, chapter: range, taken: AbstractSet[int], *, most: int, allowed: Allowed
) -> list[int]:
    """The sentences that hold most of a chapter and stand nowhere else, in time order; none where none is left.

    What answers a question needn't stand alone. What the host says serves only where nobody else says anything.

    Args:
        material: all sentences.
        chapter: indices of its sentences.
        taken: those that stand above, and their like.
        most: how many at most.
        allowed: what the house style allows.
    """
    scores = {
        index: _key(material, index, taken) * (1.1 if index - chapter.start < 4 else 1.0)
        for index in chapter
        if index not in taken and allowed(material.candidates[index].statement.text)
    }
    clear = {i for i in scores if scores[i] > 0 and _clear(material, i, taken)}
    # A voice that nobody answers hosts nobody.
    pool = {i for i in clear if not material.candidates[i].by_host} or {
        i for i in clear if _stands_for_all(material, i)
    }
    floor = 0.25 * max((scores[i] for i in pool), default=0.0)
    scores = {index: scores[index] for index in pool if scores[index] >= floor}
    return sorted(chosen(material, scores, Taste(count=most, variety=0.6)))


def next_best(material: Material, chapter: range, taken: AbstractSet[int], *, allowed: Allowed) -> list[int]:
    """The one sentence of a chapter that comes nearest to a key sentence, where there is none; perhaps none either."""
    scores = {
        index: _key(material, index, taken)
        for index in chapter
        if index not in taken
        and not material.candidates[index].by_host
        and allowed(material.candidates[index].statement.text)
    }
    return chosen(material, scores, Taste(count=1, variety=0.0))


def _key(material: Material, index: int, taken: AbstractSet[int]) -> float:
    """How much of its chapter a sentence holds."""
    c = material.candidates[index]
    answers = is_answer(material, index, taken)
    if len(c.spoken.words) not in (ANSWER_WORDS if answers else KEY_WORDS) or c.asks or not is_finished(c.reading.text):
        return 0.0
    usable = c.worth.matter * c.worth.confidence * max(c.worth.independence, SELF_CONTAINED if answers else 0.0)
    score = usable * (0.1 + c.worth.information) * (0.3 + c.central_here) * (0.6 + 0.4 * c.worth.stance)
    at_once = material.question(index) == index - 1
    return score * (1.5 if answers and at_once else 1.0)


def _clear(material: Material, index: int, taken: AbstractSet[int]) -> bool:
    c = material.candidates[index]
    return c.clear or (c.well_heard and is_answer(material, index, taken))


def _stands_for_all(material: Material, index: int) -> bool:
    """Whether what a host says tells something of the matter, and doesn't lead through the talk."""
    text = material.candidates[index].reading.text
    leads = any(p.search(text) for p in (ADDRESSES, PRESENTS, INTRODUCES, META)) or opens_topic(text)
    return not leads and names_something(material.candidates[index].reading)
