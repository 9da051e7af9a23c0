"""Quotes that somebody only points at: the words, the speaker and the time are the transcript's own."""

from collections.abc import Sequence

from jobs.german import Spoken, is_finished
from jobs.proof.quotes import occurrences, sounds
from jobs.recap import Quote
from jobs.timeline import Span
from jobs.writing.prompts import Pointer

#: A quote of fewer words says nothing, one over more sentences is a speech.
MIN_WORDS = 5
MAX_SENTENCES = 3


def quote_at(pointer: Pointer, sentences: Sequence[Spoken], *, max_words: int) -> Quote | None:
    """The whole sentences, of one voice and one after the other, from the first to the last words pointed at.

    Half a sentence is never quoted: what is left out may have been the "not". Questions aren't quoted, nor what is
    shorter or longer than a quote can be.

    Args:
        pointer: its words count in any case and without punctuation.
        sentences: of the whole transcript, without doubtful ones, ordered by start.
        max_words: of the whole quote.

    Returns:
        None where these words aren't said there.
    """
    opening = _place(pointer.first, pointer.evidence, sentences)
    if opening is None:
        return None
    voice = [s for s in sentences if s.speaker == sentences[opening].speaker]
    start = voice.index(sentences[opening])
    following = voice[start : start + MAX_SENTENCES]
    closing = _place(pointer.last, pointer.evidence, following)
    if closing is None:
        return None
    chosen = following[: closing + 1]
    fits = MIN_WORDS <= sum(len(s.words) for s in chosen) <= max_words
    whole = all(is_finished(s.text) and not s.text.endswith("?") for s in chosen)
    return _quote(chosen) if fits and whole and len({s.language for s in chosen}) == 1 else None


def _place(words: str, ids: Sequence[str], sentences: Sequence[Spoken]) -> int | None:
    """Index of the first of the cited sentences that holds these words, one after the other."""
    wanted = sounds(words.split())
    cited = ((index, s) for index, s in enumerate(sentences) if not set(s.evidence).isdisjoint(ids))
    found = (i for i, s in cited for _ in occurrences(wanted, sounds(word.text for word in s.words)))
    return next(found, None)


def _quote(chosen: Sequence[Spoken]) -> Quote:
    return Quote(
        text=" ".join(sentence.text for sentence in chosen),
        speaker=chosen[0].speaker,
        span=Span(chosen[0].span.start, max(sentence.span.end for sentence in chosen)),
        language=chosen[0].language,
        evidence=tuple(dict.fromkeys(one for sentence in chosen for one in sentence.evidence)),
    )
