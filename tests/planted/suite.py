"""True drafts of invented recordings, and errors planted in them by rules that know nothing of how the checks read.

Each `*.yaml` beside this file holds what was said, true sentences and quotes, and for names of the recording another
one that doesn't belong in their place.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import yaml

from jobs.programme import parse_talk
from jobs.proof.checks import Check, Verdict, verdict_of
from jobs.proof.claims import check_sentence
from jobs.proof.evidence import verify
from jobs.proof.quotes import locate
from jobs.proof.record import Record
from jobs.recap import Quote, Recap
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word

NOBODY = Provenance("test", "1", None, "0" * 16, "0", datetime(2026, 1, 1, tzinfo=UTC))
#: Somebody whom no recording knows.
INVENTED = "Sabine Kröger"


@dataclass(frozen=True)
class Told:
    """A sentence and the utterances it rests on."""

    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """One recording with what is true of it."""

    name: str
    record: Record
    sentences: tuple[Told, ...]
    quotes: tuple[Quote, ...]
    #: Voice → surname.
    surnames: dict[str, str]
    #: A name → another.
    others: dict[str, str]


@dataclass(frozen=True)
class Planted:
    """A true sentence or quote with one fault."""

    kind: str
    case: Case
    part: Told | Quote


@cache
def case(name: str) -> Case:
    data = yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text())
    talk = parse_talk({key: data[key] for key in ("title", "guests", "terms") if key in data})
    record = Record(transcript_of(name, data), talk)
    quotes = [locate(one["text"], told(one).evidence, record) for one in data["quotes"]]
    assert None not in quotes
    return Case(
        name=name,
        record=record,
        sentences=tuple(map(told, data["sentences"])),
        quotes=tuple(quote for quote in quotes if quote is not None),
        surnames={voice: full.split()[-1] for voice, full in data["names"].items()},
        others=data["others"],
    )


def transcript_of(name, data) -> Transcript:
    """Two and a half words a second, half a second between utterances."""
    start, utterances = 0.0, []
    language = data.get("language", "de")
    for number, (voice, text) in enumerate(data["said"], start=1):
        words = [Word(t, Span(start + i * 0.4, start + i * 0.4 + 0.3), 0.9, voice) for i, t in enumerate(text.split())]
        doubt = Doubt.BOILERPLATE if number in data["doubtful"] else None
        spoken = "de" if voice in data.get("german", ()) else language
        utterances.append(Utterance(f"u{number:04}", tuple(words), voice, spoken, doubt))
        start = words[-1].span.end + 0.5
    return Transcript(f"r-{name}", start, language, tuple(utterances), names=data["names"])


def told(entry) -> Told:
    return Told(entry["text"], tuple(f"u{number:04}" for number in entry["evidence"]))


# Faults. Each rule gives every sentence that it can make of a true one.

WORDS = {
    "zwei": "drei", "drei": "vier", "vier": "sechs", "fünf": "acht", "sechs": "neun", "sieben": "siebzig",
    "acht": "sechs", "neun": "sieben", "zehn": "zwölf", "elf": "zwölf", "zwölf": "elf", "vierzehn": "vierzig",
    "fünfzehn": "fünfzig", "vierzig": "fünfzig", "Drittel": "Viertel", "Viertel": "Drittel", "Fünftel": "Viertel",
    "Hälfte": "Drittel", "halbe": "dreiviertel", "halben": "viertel", "anderthalb": "zweieinhalb",
    "viereinhalb": "fünfeinhalb", "viereinhalbmal": "dreieinhalbmal", "fünfte": "dritte", "dritte": "vierte",
    "dritten": "fünften", "ersten": "zweiten", "zehnten": "zwölften", "verdoppelt": "verdreifacht",
    "doppelt": "dreimal", "zweimal": "fünfmal", "dreimal": "zweimal", "viermal": "fünfmal",
    "einjährige": "dreijährige", "neunjährige": "elfjährige", "Zehn-Minuten-Takt": "Fünf-Minuten-Takt",
}  # fmt: skip
UNITS = {
    "Prozent": "Prozentpunkte", "%": "Promille", "Euro": "Dollar", "Pfund": "Euro", "Cent": "Euro", "Mio.": "Mrd.",
    "Millionen": "Milliarden", "Million": "Milliarde", "Kilometer": "Meter", "km": "Meilen", "Metern": "Kilometern",
    "Meter": "Kilometer", "Kubikmeter": "Liter", "Tonnen": "Kilogramm", "Terawattstunden": "Gigawattstunden",
    "Megawatt": "Kilowatt", "Minuten": "Stunden", "Stunden": "Tage", "Tage": "Wochen", "Tagen": "Wochen",
    "Wochen": "Monate", "Monate": "Jahre", "Jahre": "Monate", "Jahren": "Monaten", "Grad": "Prozent",
}  # fmt: skip
DATES = {
    "Januar": "März", "Februar": "April", "März": "Mai", "April": "Oktober", "Mai": "Juni", "Juni": "Juli",
    "Juli": "August", "August": "September", "September": "November", "Oktober": "August", "November": "Dezember",
    "Dezember": "Oktober", "Montag": "Donnerstag", "Dienstag": "Mittwoch", "Mittwoch": "Samstag",
    "Donnerstag": "Freitag", "Samstag": "Freitag", "Sonntag": "Samstag", "montags": "freitags",
    "donnerstags": "mittwochs", "samstags": "sonntags", "sonntags": "samstags", "Winter": "Frühjahr",
    "Frühjahr": "Herbst", "Sommer": "Winter", "Herbst": "Sommer", "Achtzigern": "Siebzigern", "1980er": "1990er",
    "1970er": "1960er", "Achtzigerjahren": "Neunzigerjahren", "2030er": "2040er",
}  # fmt: skip
MONTHS = "|".join(list(DATES)[:12])
OPPOSITES = {
    "mehr als": "weniger als", "weniger als": "mehr als", "gestiegen": "gesunken", "gesunken": "gestiegen",
    "stieg": "sank", "sank": "stieg", "höher": "niedriger", "teurer": "billiger", "billiger": "teurer",
    "zurückgegangen": "gestiegen", "öffnen": "schließen", "länger": "kürzer", "jünger": "älter", "älter": "jünger",
    "höchstens": "mindestens", "mindestens": "höchstens", "langsamer": "schneller", "schneller": "langsamer",
    "erstmals": "letztmals", "höhere": "niedrigere", "besser": "schlechter", "tiefer": "höher",
    "kleinsten": "größten", "größte": "kleinste", "höchste": "niedrigste",
}  # fmt: skip
DENIALS = (
    (r"\bkein(?=(?:e[nrms]?)?\b)", "ein"), (r"\bKein(?=(?:e[nrms]?)?\b)", "Ein"), (r" nicht\b(?! (?:nur|mehr))", ""),
    (r"\bnoch nie\b", "schon oft"), (r"\bnie\b", "immer"), (r"\bniemand(?:e[mn])?\b", "jemand"), (r"\bohne\b", "mit"),
    (r"\bOhne\b", "Mit"), (r"\bNiemand\b", "Jemand"), (r"\bnichts\b", "alles"),
    (r"\bweder\b(.*)\bnoch\b", r"sowohl\1als auch"),
    (r"\bkaum\b", "oft"), (r"\bKaum\b", "Fast"),
)  # fmt: skip


PRONOUNS = frozenset({"sich", "er", "sie", "es", "man", "ihn", "ihm", "ihr", "das"})


def replaced(text: str, table: dict[str, str]) -> Iterator[str]:
    for old, new in table.items():
        for match in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", text):
            yield text[: match.end() - len(old)] + new + text[match.end() :]


def figures(text: str) -> Iterator[str]:
    """Each figure with another first digit, ten times as large, or with its last digits changed places."""
    for match in re.finditer(rf"(?<![\w.])\d+(?:[.,]\d+)*(?!\.?\d|\. (?:{MONTHS}))(?<!\.)(?!er-)", text):
        digits = match.group()
        if re.fullmatch(r"(?:19|20)\d\d", digits):
            continue
        others = [str(int(digits[0]) % 9 + 1) + digits[1:]]
        if digits.isdigit():
            others.append(digits + "0")
        if len(digits) > 1 and digits[-1] != digits[-2] and digits[-2].isdigit():
            others.append(digits[:-2] + digits[-1] + digits[-2])
        for other in others:
            if not other.startswith("0"):
                yield text[: match.start()] + other + text[match.end() :]


def calendar(text: str) -> Iterator[str]:
    yield from replaced(text, DATES)
    for match in re.finditer(r"\b(19|20)(\d)(\d)\b", text):
        yield text[: match.start(3)] + str((int(match.group(3)) + 3) % 10) + text[match.end() :]
    for match in re.finditer(rf"\b(\d{{1,2}})(?=\. (?:{MONTHS})|[.:]\d\d Uhr| Uhr)", text):
        yield text[: match.start()] + str(int(match.group()) + 2) + text[match.end() :]


def negated(text: str) -> Iterator[str]:
    """A denial dropped, or one added: behind the finite verb, or to an article."""
    found = False
    for old, new in DENIALS:
        for match in re.finditer(old, text):
            found = True
            yield text[: match.start()] + match.expand(new) + text[match.end() :]
    if not found:
        place = finite(text)
        if place is not None:
            yield text[:place] + " nicht" + text[place:]
        article = re.search(r"\bein(?=(?:e[nrms]?)?\b)", text)
        if article is not None:
            yield text[: article.start()] + "kein" + text[article.end() :]


def finite(text: str) -> int | None:
    """Where the first finite verb ends, as HanTa finds it."""
    cut = list(re.finditer(r"\w+|[^\w\s]", text))
    tagged = tagger().tag_sent([match.group() for match in cut])
    verb = next((index for index, tag in enumerate(tagged) if tag[2].endswith("(FIN)")), None)
    while verb is not None and verb + 1 < len(cut) and cut[verb + 1].group() in PRONOUNS:
        verb += 1
    return None if verb is None else cut[verb].end()


@cache
def tagger():
    from HanTa import HanoverTagger  # noqa: PLC0415  # takes a second

    return HanoverTagger.HanoverTagger(str(Path(HanoverTagger.__file__).with_name("morphmodel_ger.pgz")))


def renamed(told: Told, case: Case) -> Iterator[str]:
    """A speaker's name by an invented one, their first name by another guest's, any other name by another one."""
    people = case.record.transcript.names
    for voice, surname in case.surnames.items():
        for match in re.finditer(rf"(?:\b\w+ )?\b{surname}(?=s?\b)", told.text):
            first = match.group().split()[0]
            full = first != surname and first in {name.split()[0] for name in people.values()}
            start = match.start() if full else match.end() - len(surname)
            yield told.text[:start] + (INVENTED if full else INVENTED.split()[1]) + told.text[match.end() :]
            if full:
                other = next(name.split()[0] for one, name in people.items() if one != voice)
                yield told.text[: match.start()] + f"{other} {surname}" + told.text[match.end() :]
    yield from replaced(told.text, case.others)


def reattributed(told: Told, case: Case) -> Iterator[str]:
    """The speaker's name by that of somebody else in the recording."""
    own = {case.record.utterances[one].speaker for one in told.evidence}
    people = case.record.transcript.names
    for voice, surname in case.surnames.items():
        if voice not in own or surname not in told.text:
            continue
        for other, other_surname in case.surnames.items():
            if other not in own:
                text = told.text.replace(people[voice], surname).replace(surname, other_surname)
                yield re.sub(rf"\b(?:Die|Der|Moderatorin|Moderator) (?:\w+in )?(?={other_surname})", "", text)


def misquoted(quote: Quote) -> Iterator[Quote]:
    words = quote.text.split()
    for index in range(len(words)):
        other = {"nicht": "auch", "ein": "kein", "keine": "eine", "nie": "oft"}.get(words[index], "vielleicht")
        yield replace(quote, text=" ".join([*words[:index], other, *words[index + 1 :]]))
        if len(words) > 3:
            yield (
                replace(quote, text=" ".join([*words[:index], *words[index + 1 :]]))
                if 0 < index < len(words) - 1
                else replace(quote, text=" ".join([*words[: index + 1], "wirklich", *words[index + 1 :]]))
            )


def merged(case: Case) -> Iterator[Told]:
    """Two true sentences made one, cited as one of them."""
    count = len(case.sentences)
    for index, one in enumerate(case.sentences):
        other = case.sentences[(index + count // 2) % count]
        if not set(one.evidence) & set(other.evidence):
            first, second = one.text.rstrip("."), other.text
            yield Told(f"{first}, und {second[0].lower() + second[1:]}", one.evidence)


def miscited(case: Case) -> Iterator[Told]:
    count = len(case.sentences)
    for index, one in enumerate(case.sentences):
        other = case.sentences[(index + 3) % count]
        if not set(one.evidence) & set(other.evidence):
            yield Told(one.text, other.evidence)


@cache
def planted(name: str) -> tuple[Planted, ...]:
    one, found = case(name), []
    for sentence in one.sentences:
        rules = {
            "number": [*figures(sentence.text), *replaced(sentence.text, WORDS)],
            "unit": replaced(sentence.text, UNITS),
            "date": calendar(sentence.text),
            "negation": negated(sentence.text),
            "opposite": replaced(sentence.text, OPPOSITES),
            "name": renamed(sentence, one),
            "speaker": reattributed(sentence, one),
        }
        for kind, texts in rules.items():
            found += [Planted(kind, one, Told(text, sentence.evidence)) for text in dict.fromkeys(texts)]
    for quote in one.quotes:
        found += [Planted("quote word", one, wrong) for wrong in misquoted(quote)]
        others = [voice for voice in one.surnames if voice != quote.speaker]
        found += [Planted("speaker", one, replace(quote, speaker=voice)) for voice in others]
    found += [Planted("merged claims", one, wrong) for wrong in merged(one)]
    found += [Planted("wrong citation", one, wrong) for wrong in miscited(one)]
    return tuple(found)


def checks(part: Told | Quote, one: Case) -> tuple[Check, ...]:
    if isinstance(part, Told):
        return check_sentence(part.text, part.evidence, one.record)
    recap = Recap("r", None, (), (part,), (), (), NOBODY)
    return tuple(finding.check for finding in verify(recap, one.record.transcript, one.record.talk))


def judged(part: Told | Quote, one: Case) -> Verdict:
    return verdict_of(checks(part, one))


def tally(names: Sequence[str]) -> dict[str, Counter[Verdict]]:
    """Kind of fault → how many got which verdict."""
    found: dict[str, Counter[Verdict]] = {}
    for name in names:
        for kind, counts in tally_of(name).items():
            found.setdefault(kind, Counter()).update(counts)
    return found


@cache
def tally_of(name: str) -> dict[str, Counter[Verdict]]:
    found: dict[str, Counter[Verdict]] = {}
    for fault in planted(name):
        found.setdefault(fault.kind, Counter())[judged(fault.part, fault.case)] += 1
    return found


def flagged(names: Sequence[str], which: str) -> tuple[int, list[tuple[str, Verdict]]]:
    """How many true parts there are, and those that are objected to."""
    judgements = [one for name in names for one in judgements_of(name, which)]
    return len(judgements), [(text, verdict) for text, verdict in judgements if verdict is not Verdict.PASS]


@cache
def judgements_of(name: str, which: str) -> tuple[tuple[str, Verdict], ...]:
    one = case(name)
    return tuple((part.text, judged(part, one)) for part in getattr(one, which))


def table(names: Sequence[str]) -> str:
    rows = [f"{'planted':<16}{'faults':>8}{'fail':>8}{'warning':>9}{'missed':>8}{'caught':>9}"]
    for kind, counts in sorted(tally(names).items()):
        cells = (counts.total(), counts[Verdict.FAIL], counts[Verdict.WARNING], counts[Verdict.PASS])
        caught = 1 - counts[Verdict.PASS] / counts.total()
        rows.append(f"{kind:<16}{cells[0]:>8}{cells[1]:>8}{cells[2]:>9}{cells[3]:>8}{caught:>9.1%}")
    for which in ("sentences", "quotes"):
        count, wrong = flagged(names, which)
        verdicts = Counter(verdict for _, verdict in wrong)
        cells = (verdicts[Verdict.FAIL], verdicts[Verdict.WARNING])
        rows.append(f"{'true ' + which:<16}{count:>8}{cells[0]:>8}{cells[1]:>9}{'':>8}{len(wrong) / count:>9.1%}")
    return "\n".join(rows)
