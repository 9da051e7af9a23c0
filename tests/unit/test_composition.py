"""Writing chapter by chapter, with a model that says what the test wants."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import labels, prompt
from jobs.errors import EngineError
from jobs.german import spoken_sentences
from jobs.programme import Talk
from jobs.proof.evidence import verify
from jobs.recap import Basis, Chapter, Recap, Sentence
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word
from jobs.writing.composition import Desk, compose_recap
from jobs.writing.house_style import parse_style
from jobs.writing.pointers import quote_at
from jobs.writing.prompts import TEMPLATES, Pointer, Stationery, TooMuch, Unanswered

A, B = "SPEAKER_00", "SPEAKER_01"
STYLE = parse_style(prompt("house_style"))
NOBODY = Provenance("test", "1", None, "0" * 16, "0", datetime(2026, 1, 1, tzinfo=UTC))
SAID = (
    (A, "Wir haben in zwölf Jahren 140.000 Abonnenten gewonnen.", None),
    (A, "Das Vertrauen der Leser ist unser einziges Kapital.", None),
    (None, "Untertitel im Auftrag des Senders.", Doubt.BOILERPLATE),
    (B, "Der Podcast erreicht jeden Monat 9.000 Menschen aus der Stadt.", None),
    (B, "Ein eigenes Studio können wir nicht bezahlen.", None),
)
TRUE = {
    "u0001": "Der Verlag habe in zwölf Jahren 140.000 Abonnenten gewonnen, sagt Anna Berg.",
    "u0002": "Das Vertrauen der Leser sei ihr einziges Kapital, sagt Anna Berg.",
    "u0004": "Der Podcast erreiche jeden Monat 9.000 Menschen aus der Stadt, sagt Claire Dunn.",
    "u0005": "Ein eigenes Studio könne sie nicht bezahlen, sagt Claire Dunn.",
}


def build():
    utterances, time = [], 0.0
    for number, (speaker, text, doubt) in enumerate(SAID, start=1):
        words = tuple(Word(t, Span(time + i, time + i + 0.9), 0.9, speaker) for i, t in enumerate(text.split()))
        utterances.append(Utterance(f"u{number:04}", words, speaker, "de", doubt))
        time += len(words) + 1.0
    return Transcript("r-test", time, "de", tuple(utterances), names={A: "Anna Berg", B: "Claire Dunn"})


TRANSCRIPT = build()
CUT = TRANSCRIPT.utterance("u0004").span.start
DRAFT = Recap(
    "r-test",
    Sentence(SAID[1][1], ("u0002",)),
    (
        Sentence("Im Gespräch: Anna Berg und Claire Dunn.", ("u0001", "u0004"), Basis.FRAME),
        Sentence(SAID[0][1], ("u0001",)),
        Sentence("Die Aufnahme dauert eine Minute, zwei Stimmen.", ("u0001",), Basis.FRAME),
    ),
    (),
    (
        Chapter("Abonnenten", Span(0.0, CUT), ("u0001",), (Sentence(SAID[1][1], ("u0002",)),)),
        Chapter("Podcast", Span(CUT, TRANSCRIPT.duration_s), ("u0004",), (Sentence(SAID[3][1], ("u0004",)),)),
    ),
    (),
    NOBODY,
)


@dataclass
class Model:
    """Tells the truth, unless a test overrules a task."""

    overruled: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    chars: list = field(default_factory=list)
    #: Longest prompt it takes.
    window: int = 10**6

    def __call__(self, asked, kind):
        data = json.loads(asked.user.partition("\nMaterial:\n")[2])
        self.asked.append((asked.task, data))
        self.chars.append(asked.chars)
        if asked.chars > self.window:
            raise TooMuch
        answer = self.overruled.get(asked.task, getattr(self, asked.task, None))
        answer = answer(data) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return kind.model_validate(answer)

    def claims(self, data):
        told = [{"text": TRUE[u["id"]], "evidence": [u["id"]]} for u in data["utterances"] if u["id"] in TRUE]
        return {"claims": told, "quotes": []}

    def compose(self, data):
        lines = [{"text": claim["text"], "claims": [claim["number"]]} for claim in data["claims"]]
        return {"title": {"text": "Die Abonnenten", "claims": [1]}, "sentences": lines}

    def lead(self, data):
        return self.compose(data)

    def repair(self, _data):
        return {"repaired": []}

    def tasks(self):
        return [task for task, _ in self.asked]


def compose(model, *, room=20_000, transcript=TRANSCRIPT, draft=DRAFT):
    stationery = Stationery({name: prompt(name) for name in TEMPLATES}, STYLE.rules)
    recap = compose_recap(draft, transcript, Talk(), Desk(model, stationery, STYLE, labels(), room))
    assert verify(recap, transcript) == ()
    return recap


def texts(recap):
    return [[sentence.text for sentence in chapter.sentences] for chapter in recap.chapters]


WRITTEN = [[TRUE["u0001"], TRUE["u0002"]], [TRUE["u0004"], TRUE["u0005"]]]


def test_each_chapter_is_told_then_composed_and_the_lead_comes_last():
    model = Model()
    recap = compose(model)
    assert texts(recap) == WRITTEN
    assert model.tasks() == ["claims", "compose", "claims", "compose", "lead"]
    assert [s.basis for s in recap.lead] == [Basis.FRAME, *[Basis.WRITTEN] * 3, Basis.FRAME]
    assert all(s.basis is Basis.WRITTEN for chapter in recap.chapters for s in chapter.sentences)
    assert recap.open_questions == ()


def test_the_model_sees_everything_but_what_is_doubted_once_with_names():
    model = Model()
    compose(model)
    shown = [u for task, data in model.asked if task == "claims" for u in data["utterances"]]
    assert [u["id"] for u in shown] == list(TRUE)
    assert [(u["voice"], u["speaker"]) for u in shown] == [(1, "Anna Berg")] * 2 + [(2, "Claire Dunn")] * 2


def test_a_voice_without_a_name_has_none():
    model = Model()
    unnamed = Transcript("r-test", TRANSCRIPT.duration_s, "de", TRANSCRIPT.utterances)
    compose(model, transcript=unnamed, draft=DRAFT)
    assert {u["speaker"] for task, data in model.asked if task == "claims" for u in data["utterances"]} == {
        "eine Stimme"
    }


def test_the_lead_takes_from_every_chapter_in_turn():
    model = Model()
    compose(model)
    (lead,) = [data for task, data in model.asked if task == "lead"]
    assert [claim["text"] for claim in lead["claims"]] == [TRUE[one] for one in ("u0001", "u0004", "u0002", "u0005")]


def test_a_prompt_never_exceeds_its_room_and_nothing_is_left_out():
    model = Model()
    smallest = len(Stationery({n: prompt(n) for n in TEMPLATES}, STYLE.rules).prompt("claims", {"utterances": []}).user)
    room = smallest + len(prompt("system")) + len(STYLE.rules) + 150
    compose(model, room=room)
    parts = [[u["id"] for u in data["utterances"]] for task, data in model.asked if task == "claims"]
    assert parts == [["u0001"], ["u0002"], ["u0004"], ["u0005"]]
    assert max(model.chars) <= room


def test_more_claims_than_fit_are_not_all_composed():
    model = Model({"claims": lambda _data: {
        "claims": [{"text": f"{TRUE['u0001'][:-1]}{'!' * n}", "evidence": ["u0001"]} for n in range(12)], "quotes": []
    }})  # fmt: skip
    compose(model)
    room = max(chars for (task, _), chars in zip(model.asked, model.chars, strict=True) if task == "compose") - 1
    small = Model(model.overruled)
    compose(small, room=room)
    assert max(small.chars) <= room
    assert small.tasks().count("claims") == 2
    assert min(len(data["claims"]) for task, data in small.asked if task == "compose") < 12


def test_a_smaller_window_than_promised_halves_the_part():
    model = Model()
    compose(model)
    stationery = Stationery({name: prompt(name) for name in TEMPLATES}, STYLE.rules)
    whole = max(stationery.prompt(task, data, most=3).chars for task, data in model.asked if task == "claims")
    small = Model(window=whole - 1)
    assert texts(compose(small)) == WRITTEN
    assert small.tasks().count("claims") > 2


def test_what_is_no_answer_leaves_the_extractive_chapter():
    recap = compose(Model({"claims": Unanswered()}))
    assert (recap.chapters, recap.headline, recap.lead) == (DRAFT.chapters, DRAFT.headline, DRAFT.lead)
    (question,) = recap.open_questions
    assert (question.code, question.fields["count"], question.evidence) == ("chapters-unwritten", 2, ("u0001", "u0004"))


def test_claims_stand_where_nothing_could_be_composed():
    recap = compose(Model({"compose": Unanswered(), "lead": Unanswered()}))
    assert texts(recap) == WRITTEN
    assert [chapter.title for chapter in recap.chapters] == ["Abonnenten", "Podcast"]
    assert (recap.headline, recap.lead) == (DRAFT.headline, DRAFT.lead)


def test_a_model_that_finds_nothing_leaves_the_extractive_chapter_without_a_question():
    recap = compose(Model({"claims": {"claims": [], "quotes": []}}))
    assert (recap.chapters, recap.open_questions) == (DRAFT.chapters, ())


def test_nobody_to_ask_is_the_callers_matter():
    with pytest.raises(EngineError):
        compose(Model({"claims": EngineError("llm-unavailable")}))


def test_a_sentence_that_fails_gives_way_to_its_claim_and_is_counted():
    def lie(data):
        answer = Model().compose(data)
        answer["sentences"][0]["text"] = "Der Verlag habe 150.000 Abonnenten gewonnen, sagt Anna Berg."
        return answer

    recap = compose(Model({"compose": lie}))
    assert texts(recap)[0] == WRITTEN[0]
    (question,) = recap.open_questions
    assert (question.code, question.fields["count"]) == ("claims-unproven", 2)


def test_a_failed_sentence_is_asked_for_once_with_the_reason_and_its_neighbours():
    def lie(data):
        answer = Model().claims(data)
        for claim in answer["claims"]:
            claim["text"] = claim["text"].replace("140.000", "150.000")
        return answer

    model = Model({"claims": lie})
    recap = compose(model)
    assert texts(recap) == [[TRUE["u0002"]], WRITTEN[1]]
    (repair,) = [data for task, data in model.asked if task == "repair"]
    (entry,) = repair["sentences"]
    assert "150.000" in " ".join(entry["reasons"])
    assert [u["id"] for u in entry["utterances"]] == ["u0001", "u0002"]


def test_a_repair_may_cite_only_what_it_was_shown():
    lie = {"claims": [{"text": "Der Verlag habe 9.000 Menschen.", "evidence": ["u0001"]}], "quotes": []}
    repair = {"repaired": [{"number": 1, "text": TRUE["u0005"], "evidence": ["u0005"]},
                           {"number": 7, "text": TRUE["u0005"], "evidence": ["u0005"]}]}  # fmt: skip
    nothing = {"claims": [], "quotes": []}
    first = lambda data: lie if data["utterances"][0]["id"] == "u0001" else nothing  # noqa: E731
    recap = compose(Model({"claims": first, "repair": repair}))
    assert recap.chapters == DRAFT.chapters


SENTENCES = spoken_sentences(TRANSCRIPT)


@given(st.lists(st.sampled_from([u.id for u in TRANSCRIPT.utterances] + ["u9999"]), max_size=3),
       st.text(max_size=20) | st.sampled_from([t for _, t, _ in SAID]),
       st.text(max_size=20) | st.sampled_from([t for _, t, _ in SAID]))  # fmt: skip
def test_whatever_is_pointed_at_a_quote_is_the_transcripts(ids, first, last):
    quote = quote_at(Pointer(evidence=tuple(ids), first=first, last=last), SENTENCES, max_words=45)
    if quote is not None:
        recap = Recap("r-test", None, (), (quote,), (), (), NOBODY)
        assert verify(recap, TRANSCRIPT) == ()
        assert set(quote.evidence) & set(ids)


@pytest.mark.parametrize(("first", "last", "said"), [
    ("Wir haben in", "Abonnenten gewonnen.", SAID[0][1]),
    ("wir HABEN in", "abonnenten gewonnen", SAID[0][1]),
    ("zwölf Jahren", "unser einziges Kapital.", f"{SAID[0][1]} {SAID[1][1]}"),
    ("Wir haben in", "Abonnenten verloren.", None),
    ("Wir hatten in", "Abonnenten gewonnen.", None),
    ("unser einziges Kapital", "Wir haben in", None),
    ("Untertitel im", "des Senders.", None),
])  # fmt: skip
def test_a_pointer_gives_the_whole_sentences_or_nothing(first, last, said):
    pointer = Pointer(evidence=("u0001", "u0002", "u0003"), first=first, last=last)
    quote = quote_at(pointer, SENTENCES, max_words=45)
    assert (None if quote is None else quote.text) == said


def test_a_quote_is_no_longer_than_the_style_allows():
    pointer = Pointer(evidence=("u0001",), first="Wir haben", last="gewonnen.")
    words = len(SAID[0][1].split())
    assert quote_at(pointer, SENTENCES, max_words=words) is not None
    assert quote_at(pointer, SENTENCES, max_words=words - 1) is None
