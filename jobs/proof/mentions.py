"""Names in a German sentence: who is said to have said it, and who or what else is named."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.german import numeral
from jobs.proof.content import is_common_noun, is_made_of, is_rival, is_unheard, stem, weight_of
from jobs.proof.gazetteer import english_name, is_proper
from jobs.proof.record import Person, Record
from jobs.proof.tokens import Token, joined, tokens
from jobs.proof.units import scale, unit

#: Verbs by which somebody is said to say something, as stems of any form.
_REPORTS = re.compile(
    r"(?:ein|zu|an|aus|vor|hinzu|fest)?(?:sag|erklär|beton|berichte|erzähl|mein|find|fand|glaub|schilder|räum|kritisier|warn"
    r"|forder|frag|antworte|plädier|hoff|fürchte|befürchte|verwei|verwies|wies|erinner|füg|ergänz|nenn|nann|hält|halt|hielt|sieh|seh"
    r"|sah|will|wollte|wünsch|rät|riet|sprach|spricht|wider|bestätig|versicher|versprech|versprach|versprich|bezeichne|stell"
    r"|zog|zieht|zeig|beschreib|beschrieb|rechn|kündig|behaupte|argument|erläuter|resüm|bilanz|lob|vermut|vergl|appell"
    r"|beklag|klag|bedauer|unterstr|empf|denk|dach|ausführ|gab|gibt|gesteh|gestand|zweif|schlug|schläg|blick|setz|möchte|lehn"
    r"|weig|eröff|begrüß|verrä|verrie|entgegn|bemängel|monier|konter|mahn|verlang|poch|erwider|wand|wend|urteil|findet)\w*"
)
#: Prepositions that name a source.
_SOURCES = frozenset({"laut", "so", "zufolge", "für"})
_ACCORDING = re.compile("angaben|ansicht|meinung|worten|sicht|einschätz|auffass")
_FORMS = frozenset({"frau", "herr", "herrn", "dr", "prof", "professor", "professorin"})
#: Small words within a name.
_LINKS = frozenset({"van", "von", "der", "den", "de", "del", "la", "al", "zu"})
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
#: Capitalised for standing first, behind a colon too.
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
#: Words that weigh less (see `content`) begin sentences, those that weigh less than the second are hardly names, those
#: that weigh more than the third mostly are, or compounds, those of the last are in hardly any text.
_COMMON, _TELLING, _RARE, _UNHEARD = 0.17, 0.7, 0.85, 0.95


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a sentence."""

    #: As it stands there.
    text: str
    #: Those it can mean; several share a surname or a role, none where nobody of that name is known.
    people: tuple[Person, ...]
    #: Whether the sentence says that these said or think it.
    is_source: bool
    #: Whether the sentence begins with it.
    is_first: bool
    #: Whether it is put together from the names of several people, so that it is nobody's.
    is_mixed: bool = False


def mentions(text: str, record: Record) -> Iterator[Mention]:
    """Everybody who is known and whom a sentence names, in order, by name or as the source by their role."""
    cut = tokens(text)
    index = 0
    while index < len(cut):
        found = _named(cut, index, record) or _by_role(cut, index, record)
        if found is None:
            index += 1
            continue
        start, stop, people = found
        yield Mention(
            text=joined(cut[start:stop]),
            people=people,
            is_source=_is_source(cut, start, stop),
            is_first=all(token.low in _FORMS for token in cut[:start]),
            is_mixed=not people,
        )
        index = stop


_Found = tuple[int, int, tuple[Person, ...]]


def _named(cut: Sequence[Token], index: int, record: Record) -> _Found | None:
    """Somebody's name: where it begins and ends, and whose it can be; nobody's if words of several are mixed."""
    known = record.name_words

    def belongs(place: int) -> bool:
        return 0 <= place < len(cut) and cut[place].text[0].isupper() and _base(cut[place].low, known) in known

    if not belongs(index):
        return None
    stop = following = index + 1
    while belongs(following) or (following < len(cut) and cut[following].low in _LINKS):
        following += 1
        # "von der Heide": small words belong to a name if it goes on behind them.
        stop = following if belongs(following - 1) else stop
    words = [_base(token.low, known) for token in cut[index:stop] if token.low not in _LINKS]
    people = tuple(person for person in record.people if set(words) <= record.words_of(person))
    return index, stop, people


def _by_role(cut: Sequence[Token], index: int, record: Record) -> _Found | None:
    """Somebody by their role: "der Kämmerer", where one is announced and the sentence says that he said it."""
    if not cut[index].text[0].isupper() or index == 0 or cut[index - 1].low not in {"der", "die", "dem", "den"}:
        return None
    people = tuple(person for person in record.people if is_made_of(cut[index].text, record.office_of(person)))
    after = cut[index + 1] if index + 1 < len(cut) else None
    # "die Moderatorin Petra Wolters" is told by the name.
    alone = after is None or not after.text[0].isupper()
    return (index, index + 1, people) if people and alone and _is_source(cut, index, index + 1) else None


def strangers(text: str, record: Record, given: frozenset[str], *, native: bool = True) -> Iterator[str]:
    """What looks like a name in a sentence, isn't that of anybody known, and is none of the words given.

    Args:
        text: a German sentence.
        record: who is known, and what else was said.
        given: stems of all that the sentence may take a name from.
        native: whether these are German, so that common nouns may be expected among them.
    """
    cut = tokens(text)
    index = 0
    while index < len(cut):
        stop = index
        while stop < len(cut) and _may_name(cut, stop, record):
            stop += 1
        if stop == index:
            index += 1
            continue
        missing = [place for place in range(index, stop) if not is_given(cut[place].text, given)]
        rivals = (
            any(is_rival(stem(cut[place].text), other) for other in given) and not _is_half_given(cut[place].low, given)
            for place in missing
        )
        unheard = (native and _is_unheard(cut, place) for place in missing)
        renamed = _is_renamed(cut, range(index, stop), missing, record)
        if missing and (
            _is_strange(cut, range(index, stop), missing, record) or renamed or any(rivals) or any(unheard)
        ):
            yield joined(cut[index:stop])
        index = stop


def _is_renamed(cut: Sequence[Token], run: range, missing: Sequence[int], record: Record) -> bool:
    """Whether a second name that was said has another first one: "Anna Lund" for "Frieda Lund"."""
    return any(place + 1 in run and stem(cut[place + 1].text) in record.second_names for place in missing)


def _is_half_given(low: str, given: frozenset[str]) -> bool:
    """Whether the first part of a compound, or its last, is given by itself."""
    cuts = range(3, len(low) - 2)
    return any(stem(low[:at]) in given or stem(low[at:]) in given for at in cuts)


def _is_strange(cut: Sequence[Token], run: range, missing: Sequence[int], record: Record) -> bool:
    """Whether words that nobody said there are a name rather than the writer's own nouns."""
    if any(is_proper(cut[place].text) or _is_sign(cut, place) or _is_possessor(cut, place) for place in missing):
        return True
    if any(is_elsewhere(cut[place].text, record) for place in missing):
        return True
    titled = run.start > 0 and cut[run.start - 1].low in _FORMS
    if titled or (len(run) > 1 and run.stop - 1 in missing and not _is_counted(cut, run.start)):
        return titled or any(
            weight_of(cut[place].text) >= _TELLING and not is_common_noun(cut[place].text) for place in missing
        )
    place = missing[0]
    return len(run) == 1 and (_is_where(cut, place) or _is_bare(cut, place) or _is_hyphened(cut, place))


def _is_unheard(cut: Sequence[Token], index: int) -> bool:
    """Whether a word that is hardly a common noun has neither an article nor an adjective before it."""
    before = cut[index - 1] if index else None
    described = before is not None and _DETERMINES.fullmatch(before.low) and (before.text[0].islower() or index == 1)
    return not described and not cut[index].text.isupper() and is_unheard(cut[index].text)


#: Articles, possessives, and whatever may be an adjective.
_DETERMINES = re.compile(
    r"der|die|das|den|dem|des|im|am|zum|zur|vom|beim|ins|ans|(?:k?ein|mein|dein|sein|ihr|unser|dies|jed|all|viel)\w{0,2}"
    r"|.{4,}(?:e|en|er|es|em)"
)


def _may_name(cut: Sequence[Token], index: int, record: Record) -> bool:
    if not cut[index].is_word or not cut[index].text[0].isupper():
        return False
    low = cut[index].low
    known = _base(low, record.name_words) in record.name_words or low in _FORMS | _OPENERS | _NO_NAMES
    plain = numeral(low) is None and scale(low, "de") is None and unit(low) is None and not known
    # A sentence begins with a capital, most of all with a common word.
    return plain and not (index == 0 and (weight_of(low) < _COMMON or _is_bent(cut)))


def _is_bent(cut: Sequence[Token]) -> bool:
    """Whether a sentence begins with an adjective or a participle: "Gekühlt wird", "Kanadische Lehrer"."""
    after = cut[1].low if len(cut) > 1 else ""
    done = _DONE.fullmatch(cut[0].low) is not None and _IS.fullmatch(after) is not None
    return done or _DESCRIBES.fullmatch(cut[0].low) is not None


#: What stands first may be no noun at all: "Gesprächsbereit zeigte sie sich".
_DESCRIBES = re.compile(r".{3,}(?:bereit|lich|ig|isch|bar|sam|los|voll|haft|fähig|weise|iert|end|erweise)(?:e[nrsm]?)?")
_DONE = re.compile(r"(?:\w{2,})?ge\w{2,}(?:t|en)|(?:ver|be|er|ent|zer)\w{2,}(?:t|en)|\w{3,}iert")
_IS = re.compile(r"w[ei]rd\w*|wurden?|worden|ist|sind|sei(?:en)?|war(?:en)?|h[aä]\w{2,4}|blieb\w*|bleib\w*")


def is_given(word: str, given: frozenset[str]) -> bool:
    """Whether a word, or all that it is made of, is among the stems given; a place also in English or by its people."""
    own = {stem(word), stem(word.removesuffix("s"))}
    if own & given or is_made_of(word, given):
        return True
    if not is_proper(word):
        return False
    english = english_name(word)
    people = (stem(word)[:3], english[:3])
    return stem(english) in given or any(one.startswith(people) and _OF_PEOPLE.search(one) for one in given)


#: "dänisch", "Danish", "Norwegian".
_OF_PEOPLE = re.compile("isch|ish|ian|ean|ese")


def is_elsewhere(word: str, record: Record) -> bool:
    """Whether a word is a name that was said somewhere in the recording."""
    return bool({stem(word), stem(word.removesuffix("s"))} & record.names_said)


def _is_bare(cut: Sequence[Token], index: int) -> bool:
    """Whether a rare word without an article is a subject, or a source: "Kröger hilft", "sagte Kröger"."""
    weight = weight_of(cut[index].text)
    if weight < _RARE or is_common_noun(cut[index].text):
        return False
    before = [token.low for token in cut[max(0, index - 2) : index]]
    after = cut[index + 1].low if index + 1 < len(cut) else ""
    last = before[-1] if before else ""
    if last in _SOURCES or after == "zufolge" or _tells(last) or (last == "von" and _ACCORDING.match(before[0])):
        return True
    if (not last or last in _SUBORDINATORS | {",", ";", ":", "und"}) and _is_singular(after):
        return True
    if last == "als" and index == 1 and weight >= _UNHEARD:
        return True
    reflexive = last == "sich" and _is_singular(before[0])
    return weight >= _UNHEARD and (reflexive or last in _SUBORDINATORS | {"um"} or _is_singular(last))


_SUBORDINATORS = frozenset({"dass", "weil", "wenn", "wie", "ob", "bevor", "nachdem", "während", "damit", "falls"})
#: What one person does, in forms that no adjective has.
_SINGULAR = re.compile(
    r"\w{2,}te?|ist|war|sei|wird|werde|habe|solle|könne|müsse|wolle|dürfe|gebe|will|kann|muss|soll|darf|weiß|wäre|würde"
    r"|wurde|\w*(?:wies|lief|hielt|fiel|stieg|blieb|schrieb|trieb|sprach|brach|traf|nahm|gab|sah|kam|las|lag|saß|fuhr|trug|schlug"
    r"|wuchs|lud|ging|fing|hing|zog|flog|schloss|floss|verlor|fand|band|sang|trank|sank|gewann|begann|stand|rief|stieß|hieß"
    r"|ließ|warf|starb|half)"
)
_NO_VERB = frozenset(
    word
    for words in (
        "mit seit laut statt heute erst fast sonst meist zuletzt bereits jetzt nicht oft dort selbst damit rund",
    )
    for word in words.split()
)


def _is_singular(low: str) -> bool:
    return (_tells(low) or _SINGULAR.fullmatch(low) is not None) and low not in _NO_VERB


def _tells(low: str) -> bool:
    return _REPORTS.fullmatch(low) is not None and not low.endswith(("en", "er", "ung")) and low not in _NO_VERB


def _is_possessor(cut: Sequence[Token], index: int) -> bool:
    """As in "Krögers letzter Auftritt", "nach Krögers Angaben": nothing but names has an s there."""
    word = cut[index].text
    if not word.endswith("s") or weight_of(word[:-1]) < _TELLING or index + 1 >= len(cut):
        return False
    before = cut[index - 1].low if index else ""
    free = not before or before in _BEFORE_POSSESSORS or _is_singular(before)
    after = cut[index + 1]
    described = after.text[0].islower() and after.low.endswith(("e", "er", "es", "en", "em"))
    return (
        free
        and after.is_word
        and (after.text[0].isupper() or (described and index + 2 < len(cut) and cut[index + 2].text[0].isupper()))
    )


_BEFORE_POSSESSORS = frozenset(
    word
    for words in ("in nach an auf aus bei mit von für gegen ohne zu laut ist sind dass weil um vor , : ;",)
    for word in words.split()
)


def _is_hyphened(cut: Sequence[Token], index: int) -> bool:
    """As in "Kleist-Stück"."""
    after = cut[index + 1] if index + 1 < len(cut) else None
    glued = after is not None and after.text == "-" and after.start == cut[index].end
    return glued and weight_of(cut[index].text) >= _RARE and not is_common_noun(cut[index].text)


def _is_counted(cut: Sequence[Token], index: int) -> bool:
    """Whether a number stands before: "800 Mitglieder Freitag" is no name; nor is the noun behind "im"."""
    before = cut[index - 1] if index else None
    return before is not None and (before.is_figure or numeral(before.low) is not None)


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
    r"|zeiten|kürze|summe|wirklichkeit|regel|rente|haft|serie|gang|sicht|erinnerung|wahrheit|folge|verbindung"
    r"|.{3,}(?:en|ern|eln)|.+(?:ung|heit|keit|schaft|tion|tät|ik|tempo)"
)


def _is_where(cut: Sequence[Token], index: int) -> bool:
    before = index > 0 and cut[index - 1].low in {"in", "nach"}
    return before and _SET_PHRASES.fullmatch(cut[index].low) is None


def _base(low: str, known: frozenset[str]) -> str:
    """A known name without the s of its genitive."""
    return low[:-1] if low not in known and low.endswith("s") and low[:-1] in known else low


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
    follows = any(map(_is_report, after[:1]))
    subject_first = start == 0 or all(token.low in _FORMS for token in cut[:start])
    later = subject_first and any(map(_is_report, cut[stop : stop + 12]))
    # "sagte die Forscherin X"
    place = next((i for i in range(start - 1, max(-1, start - 5), -1) if not _is_title(cut[i])), None)
    # In "Overbeck begrüßte die Intendantin X" the verb has its subject before it.
    taken = (
        place is not None and place > 0 and (cut[place - 1].text[0].isupper() or cut[place - 1].low in {"er", "sie"})
    )
    precedes = place is not None and _REPORTS.fullmatch(cut[place].low) is not None and not taken
    sure = (
        bool(before) and before[-1] in {"ist", "sind", "sei"} and any(t.low in {"überzeugt", "sicher"} for t in after)
    )
    return follows or later or precedes or sure


def _is_report(token: Token) -> bool:
    """Whether a word is a verb of telling; "Rechnung" is a noun."""
    return token.is_word and token.text[0].islower() and _REPORTS.fullmatch(token.low) is not None


def _is_title(token: Token) -> bool:
    """Whether a word may stand between a verb and a name: "die Forscherin"."""
    return token.text[0].isupper() or token.low in {"die", "der", "auch"}
