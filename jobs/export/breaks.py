"""Where a subtitle may end, and at what price: sentence, clause, phrase, word; never within what is one in meaning."""

import re
from collections.abc import Sequence

from jobs.german import is_sentence_end
from jobs.timeline import Seconds
from jobs.transcript import Word

#: Prices of a break, in the unit of `cues`: the cost of one more subtitle is 1.5.
SENTENCE, CLAUSE, PHRASE, WORD, WITHIN_PHRASE, NEVER = 0.0, 1.0, 2.5, 4.0, 8.0, 50.0
#: A silence this long is a good place for a break.
PAUSE_S: Seconds = 0.5

_CLOSING = "“”\"'»)"
#: A phrase begins with them: conjunctions, prepositions, question words.
_OPENERS = frozenset({
    "aber", "als", "auf", "aus", "außer", "bei", "bevor", "bis", "da", "damit", "dass", "denn", "durch", "für",
    "gegen", "gegenüber", "hinter", "in", "indem", "mit", "nach", "nachdem", "neben", "ob", "obwohl", "oder",
    "ohne", "seit", "sobald", "sondern", "sowie", "statt", "trotz", "über", "um", "und", "unter", "von", "vor",
    "wann", "warum", "was", "weil", "wenn", "wer", "wie", "wo", "während", "wegen", "zu", "zum", "zur", "zwischen",
    "about", "after", "and", "as", "at", "because", "before", "between", "but", "by", "during", "for", "from",
    "how", "if", "into", "of", "on", "or", "since", "than", "that", "though", "through", "to", "until", "when",
    "where", "whether", "which", "while", "who", "with", "without",
})  # fmt: skip
#: They belong to what follows: articles, possessives, prepositions, "nicht".
_LEANING = frozenset({
    "am", "an", "auf", "aus", "bei", "beim", "das", "dem", "den", "der", "des", "die", "ein", "eine", "einem",
    "einen", "einer", "eines", "für", "gegen", "ihr", "ihre", "im", "in", "ins", "kein", "keine", "keinen", "mein",
    "meine", "mit", "nach", "nicht", "ohne", "sehr", "sein", "seine", "seit", "unser", "unsere", "vom", "von",
    "vor", "über", "um", "zu", "zum", "zur", "a", "at", "by", "for", "from", "her", "his", "my", "no",
    "not", "of", "on", "our", "the", "their", "to", "very", "with", "your",
})  # fmt: skip
#: "3.", "140.000", "12,90", "§", "20.15", "-5", "2:1"
_NUMBER = re.compile(r"[-+–]?\d[\d.,:/]*%?|[§€$£]")
#: "z.", "B.", "Dr.", "Nr.", "S."
_ABBREVIATED = re.compile(r"(?:[^\W\d]|Dr|Prof|Nr|Abs|Art|St|Mio|Mrd|bzw|ca|Hr|Fr|Mr|Mrs|Ms)\.")

_MONTHS = frozenset({
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
})  # fmt: skip


def break_cost(words: Sequence[Word], index: int) -> float:
    """The price of a break after `words[index]`."""
    if index + 1 < len(words) and _is_one(words[index].text, words[index + 1].text):
        return NEVER
    if is_sentence_end(words, index):
        return SENTENCE
    word, after = words[index], words[index + 1]
    if after.span.start - word.span.end >= PAUSE_S or word.text.rstrip(_CLOSING).endswith((",", ";", ":", "–", "—")):
        return CLAUSE
    if word.text.lower() in _LEANING:
        return WITHIN_PHRASE
    return PHRASE if after.text.lower() in _OPENERS else WORD


def _is_one(text: str, after: str) -> bool:
    """Whether two words mean one thing: "z. B.", "Dr. Ott", "12,9 Millionen", "3. Mai", "§ 5"."""
    if _ABBREVIATED.fullmatch(text):
        return True
    if not _NUMBER.fullmatch(text) or text.endswith((",", ":")):
        return False
    if text.endswith("."):
        return after.rstrip(".,;:?!") in _MONTHS
    return after[:1].isalnum() or after[:1] in "%€$£"
