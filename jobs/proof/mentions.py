"""Names in a German sentence: who is said to have said it, and who or what else is named."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.german import numeral
from jobs.proof.content import stem, weight_of
from jobs.proof.record import Person, Record
from jobs.proof.tokens import Token, joined, tokens
from jobs.proof.units import scale, unit

#: Verbs by which somebody is said to say something, as stems of any form.
_REPORTS = re.compile(
    r"(?:ein|zu|an|aus|vor|hinzu|fest)?(?:sag|erklär|beton|berichte|erzähl|mein|find|fand|glaub|schilder|räum|kritisier|warn"
    r"|forder|frag|antworte|plädier|hoff|fürchte|befürchte|verwei|wies|erinner|füg|ergänz|nenn|nann|hält|halt|hielt|sieh|seh"
    r"|sah|will|wollte|wünsch|rät|riet|sprach|spricht|wider|bestätig|versicher|versprech|versprach|versprich|bezeichne|stell"
    r"|zog|zieht|zeig|beschreib|beschrieb|rechn|kündig|behaupte|argument|erläuter|resüm|bilanz|lob|vermut|vergl|appell"
    r"|beklag|klag|bedauer|unterstr|empf|denk|dach|führ|gab|gibt|gesteh|gestand|zweif|schlug|schläg|blick|setz|möchte|lehn"
    r"|weig|eröff|begrüß|verrä|verrie|entgegn|bemängel|monier|konter|mahn|verlang|poch|erwider|wand|wend|urteil|findet)\w*"
)
#: Prepositions that name a source.
_SOURCES = frozenset({"laut", "so", "zufolge", "für"})
_ACCORDING = re.compile("angaben|ansicht|meinung|worten|sicht|einschätz|auffass")
_FORMS = frozenset({"frau", "herr", "herrn", "dr", "prof", "professor", "professorin"})
#: Small words within a name.
_LINKS = frozenset({"van", "de", "del", "la", "al"})
#: Capitalised words that stand side by side with others and are no names.
_NO_NAMES = frozenset(
    word
    for words in (
        "ende anfang mitte sie ihnen ihr ihre ihrem ihren ihrer ihres du dein wort",
        "prozent euro mal uhr jahr jahre jahren tag tage tagen woche wochen monat monate monaten stunde",
        "stunden minute minuten",
    )
    for word in words.split()
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a sentence."""

    #: As it stands there.
    text: str
    #: Those it can mean; several share a surname, none where nobody of that name is known.
    people: tuple[Person, ...]
    #: Whether the sentence says that these said or think it.
    is_source: bool
    #: Whether the sentence begins with it.
    is_first: bool


def mentions(text: str, record: Record) -> Iterator[Mention]:
    """All names of a sentence, in order: known people's, and whatever else looks like a name."""
    cut = tokens(text)
    index = 0
    while index < len(cut):
        stop = _end_of_name(cut, index, record)
        if stop is None:
            index += 1
            continue
        words = [token for token in cut[index:stop] if token.is_word and token.low not in _FORMS]
        yield Mention(
            text=joined(cut[index:stop]),
            people=_meant([token.text for token in words], record.people),
            is_source=_is_source(cut, index, stop),
            is_first=all(token.low in _FORMS for token in cut[:index]),
        )
        index = stop


def _end_of_name(cut: Sequence[Token], index: int, record: Record) -> int | None:
    """Where the name ends that begins at `index`; None if none does."""
    stop = index
    while stop < len(cut) and (
        _may_name(cut, stop) or (stop > index and cut[stop].low in _LINKS and _may_name(cut, stop + 1))
    ):
        stop += 1
    if stop == index:
        return None
    words = [token for token in cut[index:stop] if token.low not in _FORMS]
    known = record.name_words
    if any(_base(token.low, known) in known for token in words):
        # "Chefredakteurin Anna Berger": only what is known is the name.
        first = next(i for i in range(index, stop) if _base(cut[i].low, known) in known)
        if first > index:
            return None
        last = max(i for i in range(index, stop) if _base(cut[i].low, known) in known)
        return last + 1
    titled = len(words) < stop - index and len(words) > 0
    several = len(words) >= 2 and not _is_counted(cut, index)
    alone = len(words) == 1 and (
        _is_sign(cut, index) or _is_place(cut, index) or (_is_bare(cut, index) and _is_source(cut, index, stop))
    )
    return stop if titled or several or alone else None


def _may_name(cut: Sequence[Token], index: int) -> bool:
    if index >= len(cut) or not cut[index].is_word or not cut[index].text[0].isupper():
        return False
    low = cut[index].low
    plain = numeral(low) is None and scale(low, "de") is None and unit(low) is None and low not in _NO_NAMES
    # A sentence begins with a capital, most of all with a common word.
    return plain and not (index == 0 and (low in _OPENERS or weight_of(low) < _COMMON))


#: Words that weigh less (see `content`) begin sentences, those that weigh less than the second are hardly names, those
#: that weigh more than the third mostly are, or compounds.
_COMMON, _TELLING, _RARE = 0.17, 0.7, 0.85
_OPENERS = frozenset(
    word
    for words in (
        "der die das den dem des ein eine einen einem einer es er sie wir ich man und aber auch im in am an auf aus",
        "bei mit nach von vor zu zum zur über unter für gegen ohne seit bis durch laut so wer was wie wo wann warum",
        "dass weil wenn als ob da dort hier heute gestern damals dann doch noch nur schon viele alle beide keine kein",
        "vom beim ins ans niemand jeder jede jedes dies diese dieser dieses sein seine ihr ihre unser unsere",
        "mehr weniger rund etwa",
        "nicht nie statt zudem außerdem dabei dafür damit darum deshalb trotzdem während um sich wegen trotz",
    )
    for word in words.split()
)


def _is_bare(cut: Sequence[Token], index: int) -> bool:
    """Whether a single rare word may be a surname: nothing but a verb or "laut" before it."""
    rare = weight_of(cut[index].text) >= _RARE
    before = cut[index - 1].low if index else ""
    return rare and (not before or before in _SOURCES or _REPORTS.fullmatch(before) is not None)


def _is_counted(cut: Sequence[Token], index: int) -> bool:
    """Whether a number stands before: "800 Mitglieder Freitag" is no name."""
    return index > 0 and (cut[index - 1].is_figure or numeral(cut[index - 1].low) is not None)


def _is_sign(cut: Sequence[Token], index: int) -> bool:
    """As in "ARD", "TikTok": capitals within a word. "CO2" and "MW" name nobody."""
    word, after = cut[index].text, cut[index + 1] if index + 1 < len(cut) else None
    inner = any(letter.isupper() for letter in word[1:]) and not word.endswith("Innen")
    glued = after is not None and after.is_figure and after.start == cut[index].end
    return inner and not glued and unit(word, after_digits=True) is None


#: Without an article these are set phrases or plurals, anything else is a place: "in Kassel".
_SET_PHRASES = re.compile(
    r"betrieb|kraft|frage|zukunft|gefahr|form|sachen|richtung|not|ruhe|arbeit|bewegung|höhe|teilen|bezug|ordnung|planung"
    r"|aussicht|kauf|anspruch|zusammenarbeit|angaben|ansicht|einschätzung|meinung|worten|plan|bedarf|hause|auffassung"
    r"|zeiten|kürze|summe|wirklichkeit|regel|rente|haft|serie|gang|sicht|erinnerung|wahrheit|folge|verbindung|.{3,}(?:en|ern|eln)"
)


def _is_place(cut: Sequence[Token], index: int) -> bool:
    before = index > 0 and cut[index - 1].low in {"in", "nach"}
    return before and _SET_PHRASES.fullmatch(cut[index].low) is None


def _base(low: str, known: frozenset[str]) -> str:
    """A known name without the s of its genitive."""
    return low[:-1] if low not in known and low.endswith("s") and low[:-1] in known else low


def _meant(words: Sequence[str], people: Sequence[Person]) -> tuple[Person, ...]:
    """Those whose name holds all of the words that any name holds."""
    names = [frozenset(re.findall(r"\w+", person.name.lower())) for person in people]
    known = frozenset[str]().union(*names)
    wanted = {_base(word.lower(), known) for word in words} & known
    return tuple(person for person, name in zip(people, names, strict=True) if wanted and wanted <= name)


def _is_source(cut: Sequence[Token], start: int, stop: int) -> bool:
    before = [token.low for token in cut[max(0, start - 4) : start] if token.low not in _FORMS]
    after = [token for token in cut[stop : stop + 6] if token.is_word or token.low in {",", ":"}]
    if before and before[-1] in _SOURCES | {":"}:
        return True
    if "laut" in before or (after and after[0].low in {"zufolge", ":"}):
        return True
    if (
        len(before) > 1
        and before[-1] == "von"
        and re.match(r"angaben|ansicht|meinung|worten|sicht|einschätz|auffass", before[-2])
    ):
        return True
    # "X, Leiterin einer Zeitung, sagt": what stands between commas is passed over.
    verb = _REPORTS.fullmatch
    follows = any(verb(token.low) for token in after[:1] if token.is_word)
    subject_first = start == 0 or all(token.low in _FORMS for token in cut[:start])
    later = subject_first and any(verb(token.low) for token in cut[stop : stop + 12] if token.is_word)
    # "sagte die Forscherin X"
    nearest = next((token for token in reversed(cut[max(0, start - 4) : start]) if not _is_title(token)), None)
    precedes = nearest is not None and verb(nearest.low) is not None
    sure = (
        bool(before) and before[-1] in {"ist", "sind", "sei"} and any(t.low in {"überzeugt", "sicher"} for t in after)
    )
    return follows or later or precedes or sure


def _is_title(token: Token) -> bool:
    """Whether a word may stand between a verb and a name: "die Forscherin"."""
    return token.text[0].isupper() or token.low in {"die", "der", "auch"}


def is_named(mention: Mention, said: frozenset[str], *, part: bool = False) -> bool:
    """Whether a name, or with `part` any word of it, stands among stems that were said.

    Common words beside one that was said may be added: "die Hauptstadt Kopenhagen".
    """
    words = [token.text for token in tokens(mention.text) if token.text[0].isupper() and token.low not in _FORMS]
    missing = [word for word in words if not {stem(word), stem(word.removesuffix("s"))} & said]
    if not missing:
        return True
    some = len(missing) < len(words)
    common = len(words) > 1 and all(weight_of(word) < _TELLING for word in missing)
    return (some and (part or mention.is_first)) or (common and not part)
