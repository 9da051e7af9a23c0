"""German as it is spoken and printed: where sentences end, numerals, quotation marks, time codes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jobs.timeline import Seconds, Span
from jobs.transcript import Transcript, Utterance, Word

#: A silence this long ends a sentence even without a full stop, when no comma promises more.
LONG_PAUSE_S: Seconds = 2.0
#: Recognizers sometimes write minutes without a full stop; no spoken sentence is longer than this.
MAX_SENTENCE_WORDS = 60
#: A sentence goes on in its speaker's next utterance within this time, or it was given up.
MAX_INTERRUPTION_S: Seconds = 6.0


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_OPENING = "„“”\"'‚‘»«›‹([*_"
_CLOSING = "“”„\"'‘’»«›‹)]*_"
_ALWAYS_SHORT = frozenset(
    # Always followed by what they shorten, so never an end. Kept apart from pysbd's list, which also
    # holds words that end spoken sentences ("mag", "Art", "med", "no").
    _listed("""abs abt allg bd betr bzgl bspw bzw ca dipl dr evtl exkl fr ggf ggü hr hrn hrsg ing inkl insb insbes kap
    lt mag.art mr mrs ms nr prof rd sog st str tel univ vgl vs zb zzgl z.b d.h u.u i.d.r z.t o.g s.o s.u v.a m.e i.e
    e.g dr.med dr.phil dr.h.c""")
)
_SOMETIMES_SHORT = frozenset(
    _listed("co corp etc ff geb gest inc jh jr ltd min mio mrd o.ä sek sen std tsd u.a u.ä u.s.w usw")
)
_MONTHS = frozenset(
    _listed("januar jänner februar märz april mai juni juli august september oktober november dezember")
)
_PRINTED_MONTHS = _listed("Januar Februar März April Mai Juni Juli August September Oktober November Dezember")
_BEFORE_ORDINAL = frozenset(
    _listed("""ab am an auf beim bis dem den der des die das ihr ihre ihrem ihren im in jeden jeder mein meine
    meinem meinen seinem seinen unser unsere unserem unseren vom von zum zur""")
)
#: Capitalised, these start a sentence rather than being a noun. Function words, closed classes only.
_STARTERS = frozenset(
    _listed("""aber alle allerdings als also am an auch auf außerdem bei beide bis da dabei dadurch dafür daher dann
    darum das dass dem den denn der des deshalb deswegen die dies diese dieser dieses doch dort du ein eine einen einer
    eines
    er erst es für ganz genau gibt haben hat hier ich ihr im in ist ja jede jeder jedes jetzt kein keine können man
    mein meine mit nach natürlich nein nicht noch nun nur ob oder schon sehr sein seine seit sie sind so sondern
    trotzdem über um und uns unser unsere vielleicht vom von vor wann war waren warum was weil welche wenn wer werden
    wie wir wird wo zu zudem zum zur zwar and but he i it she so that the then there they this we what you""")
)
#: Of these, the ones that have a capital letter nowhere but at the start of a sentence: "Sie" and "I" have it always,
#: articles in names ("bei Die Zeit").
_ONLY_FIRST = frozenset(
    word.capitalize()
    for word in _listed("""aber also außerdem da dann denn deshalb doch dort er es ich jetzt nein oder trotzdem und
    warum was weil welche wenn wer werden wie wir wo""")
)


def is_sentence_end(words: Sequence[Word], index: int) -> bool:
    """Whether a sentence ends with `words[index]`; looks one word back and one ahead.

    It ends at the last word, where the speaker changes, after a silence of `LONG_PAUSE_S` unless a comma
    stands before it, before a function word with a capital letter ("das Wenn jede Woche": the recognizer started
    anew), and at ". ? ! …" unless the dot belongs to an abbreviation, an ordinal or an initial.

    Examples:
        >>> from jobs.timeline import Span
        >>> said = "Am 3. Mai kam Dr. Ott. Er blieb".split()
        >>> words = [Word(text, Span(i, i + 1), 1.0) for i, text in enumerate(said)]
        >>> [words[i].text for i in range(len(words)) if is_sentence_end(words, i)]
        ['Ott.', 'blieb']
    """
    if index + 1 >= len(words) or words[index].speaker != words[index + 1].speaker:
        return True
    word, after = words[index], words[index + 1]
    text, follower = word.text.rstrip(_CLOSING), after.text.lstrip(_OPENING)
    if after.span.start - word.span.end >= LONG_PAUSE_S and not text.endswith((",", "-", "–")):
        return True
    if not text.endswith((".", "?", "!", "…")):
        return text[-1:].isalnum() and bare(follower) in _ONLY_FIRST and follower == after.text
    if _goes_on(follower):
        return False
    if text.endswith("."):
        before = words[index - 1] if index else None
        first = before is None or before.text.rstrip(_CLOSING).endswith((".", "?", "!", "…", ":"))
        return not _dot_belongs_to_word(text, "" if before is None else before.text, follower, first=first)
    return True


def sentence_ranges(words: Sequence[Word]) -> tuple[range, ...]:
    """Cut words into sentences: index ranges that follow each other and cover all of `words`.

    A stretch of more than `MAX_SENTENCE_WORDS` without an end is cut at its longest silence.
    """
    ranges: list[range] = []
    start = 0
    for index in range(len(words)):
        if is_sentence_end(words, index):
            ranges += _bounded(words, range(start, index + 1))
            start = index + 1
    return tuple(ranges)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence as somebody said it; it may run over several utterances of one speaker."""

    words: tuple[Word, ...]
    #: Ids of the utterances it was taken from, in time order.
    evidence: tuple[str, ...]
    speaker: str | None
    #: ISO 639-1; "und" where unknown.
    language: str

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def span(self) -> Span:
        """From the first word's start to the last word's end."""
        return Span(self.words[0].span.start, max(word.span.end for word in self.words))


def spoken_sentences(transcript: Transcript) -> tuple[Spoken, ...]:
    """All sentences that nobody doubts, ordered by start.

    A sentence goes on over neighbouring utterances of one speaker and language, also past an interjection that lies
    inside the one before; never past what somebody else says, nor past a doubtful utterance.
    """
    runs: list[list[Utterance]] = []
    run: list[Utterance] = []
    for utterance in transcript.utterances:
        if run and utterance.speaker != run[-1].speaker and utterance.span.end <= run[-1].span.end:
            runs += [] if utterance.doubt is not None else [[utterance]]
            continue
        if not run or utterance.doubt is not None or not _continues(run[-1], utterance):
            run = []
        if utterance.doubt is None:
            runs += [] if run else [run]
            run.append(utterance)
    return tuple(sorted((s for run in runs for s in _sentences_of(run)), key=lambda s: s.span.start))


def _continues(before: Utterance, after: Utterance) -> bool:
    together = (before.speaker, before.language) == (after.speaker, after.language)
    return together and after.span.start - before.span.end <= MAX_INTERRUPTION_S


def _sentences_of(run: Sequence[Utterance]) -> list[Spoken]:
    words = [word for utterance in run for word in utterance.words]
    ids = [utterance.id for utterance in run for _ in utterance.words]
    return [
        Spoken(
            words=tuple(words[part.start : part.stop]),
            evidence=tuple(dict.fromkeys(ids[part.start : part.stop])),
            speaker=run[0].speaker,
            language=run[0].language,
        )
        for part in sentence_ranges(words)
    ]


def is_finished(text: str) -> bool:
    """Whether a text ends as a written sentence does.

    Examples:
        >>> is_finished("Er sagte: „Nein.“"), is_finished("und dann haben wir")
        (True, False)
    """
    return text.rstrip(_CLOSING + " ").endswith((".", "?", "!", "…")) and not text.rstrip(_CLOSING + " ").endswith(
        "..."
    )


def bare(token: str) -> str:
    """A token without the punctuation around it: „„Vertrauen“,“ → „Vertrauen“."""
    return token.strip(_OPENING + _CLOSING + ".,;:!?…–-")


def quoted(text: str) -> str:
    """Set a text in German quotation marks; marks within it become single ones.

    Examples:
        >>> quoted('Er sagte: "Nein."')
        '„Er sagte: ‚Nein.‘“'
    """
    inner = re.sub(r"(?<![\w.,!?…])[\"„“»«](?=\w)", "‚", text)
    inner = re.sub(r"[\"“”„»«]", "‘", inner)
    return f"„{inner}“"


def time_code(seconds: Seconds) -> str:
    """A time as an editor types it into a player: "0:14", "1:02:03"; fractions are cut off.

    Examples:
        >>> time_code(14.9), time_code(3723)
        ('0:14', '1:02:03')
    """
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def printed_date(day: date) -> str:
    """A date as German prints it.

    Examples:
        >>> printed_date(date(2026, 3, 5))
        '5. März 2026'
    """
    return f"{day.day}. {_PRINTED_MONTHS[day.month - 1]} {day.year}"


def enumeration(items: Sequence[str]) -> str:
    """Join as German does: "A", "A und B", "A, B und C"; "" for none."""
    return " und ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)


def counted(count: int, one: str, many: str) -> str:
    """A count with its noun, spelled out to twelve as newspapers do; `one` brings its own article.

    Examples:
        >>> counted(1, "eine Stimme", "Stimmen"), counted(3, "eine Stimme", "Stimmen"), counted(20, "", "Minuten")
        ('eine Stimme', 'drei Stimmen', '20 Minuten')
    """
    if count == 1:
        return one
    return f"{_SMALL[count] if 0 <= count <= 12 else count} {many}"


_SMALL = _listed("null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf")
_TEENS = {
    "dreizehn": 13,
    "vierzehn": 14,
    "fünfzehn": 15,
    "sechzehn": 16,
    "siebzehn": 17,
    "achtzehn": 18,
    "neunzehn": 19,
}
_TENS = dict(
    zip(_listed("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"), range(20, 100, 10), strict=True)
)
_DIGITS = {word: value for value, word in enumerate(_SMALL)} | {"eins": 1, "eine": 1, "zwo": 2} | _TEENS | _TENS
_ENGLISH = {
    word: value
    for value, word in enumerate(
        _listed("""zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen""")
    )
} | dict(zip(_listed("twenty thirty forty fifty sixty seventy eighty ninety"), range(20, 100, 10), strict=True))
#: "siebenhundertsiebenundsiebzigtausendsiebenhundertsiebenundsiebzig" has 68 letters; longer words are cut.
_LONGEST_NUMERAL = 80


def numeral(word: str) -> int | None:
    """The value of a German or English numeral below a million written as one word; None for any other word.

    Examples:
        >>> numeral("einundvierzig"), numeral("zweitausenddreihundert"), numeral("twenty-one"), numeral("Wort")
        (41, 2300, 21, None)
    """
    word = word[:_LONGEST_NUMERAL].lower().replace("dreissig", "dreißig")
    tens, _, unit = word.partition("-")
    if tens in _ENGLISH:
        return _ENGLISH[tens] + _ENGLISH.get(unit, 0)
    return _german_numeral(word)


def _german_numeral(word: str) -> int | None:
    if word in _DIGITS:
        return _DIGITS[word]
    for name, factor in (("tausend", 1000), ("hundert", 100)):
        head, found, tail = word.partition(name)
        if found:
            many = 1 if not head else _german_numeral(head)
            rest = 0 if not tail else _german_numeral(tail.removeprefix("und"))
            return None if many is None or rest is None else many * factor + rest
    unit, found, ten = word.partition("und")
    if found and ten in _TENS and unit in _SMALL[1:10]:
        return _DIGITS[unit] + _TENS[ten]
    return None


def ordinal(word: str) -> int | None:
    """The value of a German ordinal below a million written as one word; None for any other word.

    Examples:
        >>> ordinal("dritten"), ordinal("einundzwanzigste"), ordinal("drittens"), ordinal("Bitte")
        (3, 21, 3, None)
    """
    word = word[:_LONGEST_NUMERAL].lower().replace("dreissig", "dreißig")
    base = re.sub(r"e[nrsm]?$|ens$", "", word)
    if base in _IRREGULAR_ORDINALS:
        return _IRREGULAR_ORDINALS[base]
    # "zweite" but "zwanzigste": only short numerals do without the s, which keeps "Beute" and "beste" out.
    head, short = (base[:-2], False) if base.endswith("st") else (base[:-1], True)
    value = _german_numeral(head) if base != word and base.endswith("t") else None
    return value if value is not None and value > 1 and short == (1 < value % 100 < 20) else None


_IRREGULAR_ORDINALS = {"erst": 1, "dritt": 3, "siebt": 7, "acht": 8}


def decimal(figure: str, *, language: str = "de") -> Decimal | None:
    """The value of a number in digits; None for dates, clock times and versions.

    "1.500" and "4,9" are German, "1,500" and "4.9" English; whatever groups no three digits is a decimal mark.

    Examples:
        >>> decimal("12.900.000"), decimal("4,9"), decimal("140,000", language="en"), decimal("3.5.2024")
        (Decimal('12900000'), Decimal('4.9'), Decimal('140000'), None)
    """
    group, point = (",", ".") if language == "en" else (".", ",")
    if re.fullmatch(rf"\d{{1,3}}(?:[{group}]\d{{3}})+(?:[{point}]\d+)?", figure):
        figure = figure.replace(group, "")
    figure = figure.replace(",", ".")
    return Decimal(figure) if re.fullmatch(r"\d+(?:\.\d+)?", figure) else None


def _goes_on(follower: str) -> bool:
    """Whether the next word is written small, as within a sentence ("iPhone" isn't)."""
    return follower[:2].islower() and follower[:1].isalpha()


def _dot_belongs_to_word(text: str, before: str, follower: str, *, first: bool) -> bool:
    """Whether the dot at the end of `text` is no full stop."""
    core = text.lstrip(_OPENING)[:-1]
    key, starts = core.lower(), bare(follower).lower() in _STARTERS
    if core.endswith(".") and not core.strip("."):
        return False
    if core.isdigit() and len(core) <= 3:
        return first or bare(follower).lower() in _MONTHS or (before.lower() in _BEFORE_ORDINAL and not starts)
    if key in _ALWAYS_SHORT:
        return True
    if len(core) == 1 and core.isalpha():
        return not starts or (len(before) == 2 and before.endswith("."))
    return key in _SOMETIMES_SHORT and not starts


def _bounded(words: Sequence[Word], whole: range) -> list[range]:
    """Cut a range until no part is longer than `MAX_SENTENCE_WORDS`, at the longest silence of its middle."""
    todo, done = [whole], []
    while todo:
        part = todo.pop()
        if len(part) <= MAX_SENTENCE_WORDS:
            done.append(part)
            continue
        margin = len(part) // 4
        middle = range(part.start + margin, part.stop - margin)
        cut = max(middle, key=lambda i: words[i].span.start - words[i - 1].span.end)
        todo += [range(cut, part.stop), range(part.start, cut)]
    return done
