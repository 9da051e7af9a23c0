"""Planted inventions are found, real ones of whisper-base among them; true sentences that look alike are let alone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import doubt_rules, labels
from jobs.doubt import Rules, marked, plain, rules, syllables
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcribe import Recognition, Segment
from jobs.transcript import Doubt, Turn, Utterance, Word

SIGNED = Provenance("engine", "1", None, "0" * 16, "0.1.0", datetime(2026, 11, 3, tzinfo=UTC))
RULES = rules(doubt_rules())
HOTWORDS = ("Nachlese", "Annegret Böhm", "OMR-Festival")


def said(text, start=0.0, *, pace=0.35, probability=0.9, language="de", speaker="SPEAKER_00"):
    """An utterance of so many seconds a word of five letters, figures taking longer."""
    words = []
    for one in text.split():
        end = start + pace * max(1.0, (len(one) + 3 * sum(letter.isdecimal() for letter in one)) / 5)
        words.append(Word(one, Span(start, end), probability, speaker))
        start = end
    return Utterance("u0001", tuple(words), speaker, language)


def doubts(*utterances, logprob=-0.2, ratio=1.3, silence=0.05, speech=True, turns=True, hotwords=HOTWORDS):
    """What is doubted, each utterance being a segment of its own; `speech` and `turns`: whether somebody is there."""
    spans = tuple(utterance.span for utterance in utterances)
    segments = tuple(Segment(u.words, u.language, logprob, ratio, silence) for u in utterances)
    recognition = Recognition(segments, "de", spans if speech else (), SIGNED)
    told = [Turn(span, "SPEAKER_00") for span in spans] if turns else []
    return [u.doubt for u in marked(utterances, recognition, told, RULES, hotwords=hotwords)]


def doubt(text, *, pace=0.35, probability=0.9, language="de", **measures):
    return doubts(said(text, pace=pace, probability=probability, language=language), **measures)[0]


#: Heard from whisper-base without a detector of speech, in music, silence, noise, hum, applause and a piano, with and
#: without hotwords: text, language, mean log probability, compression ratio, no-speech probability.
INVENTED = (
    ("Ich bin ja eben auf dem Tod.", "de", -2.25, 2.31, 0.73),
    ("Nachlese, Annegret Böhm, OMR-Fest", "de", -0.6, 0.81, 0.42),
    ("You", "en", -1.1, 0.27, 0.73),
    ("Thank you, Annegret Böhm", "en", -1.11, 0.76, 0.42),
    ("Und das ist das Problem." + " Das ist das Problem." * 6, "de", -0.17, 16.54, 0.86),
    ("im является Verlänger des Lernerkens auch in der Magict grinder", "de", -3.59, 1.16, 0.69),
    ("You", "en", -0.88, 0.27, 0.86),
    ("8-6, 17-9, 27-70, 33-feet 4-5, 62-6, 8-6, 17-16, 8-5, 3-3, 6-6, 6-7, 8-6,", "en", -2.11, 1.2, 0.69),
    ("Ich fahr'ne Leeuwenk mit den Schilfnusschen und den Teig des Klapl界.", "de", -2.39, 2.01, 0.92),
    ("EU-Festival", "de", -2.09, 0.58, 0.71),
    ("P.C.", "en", -2.35, 0.33, 0.71),
    ("... ... ... ...", "de", -1.46, 1.07, 0.74),
    ("Wir sind auf der anderen Seite auf der anderen Seite.", "de", -1.65, 1.36, 0.67),
    ("Die Zander-Face-Face-Face-Face-Face-Face-Face-Face-Face", "de", -0.11, 13.93, 0.85),
    ("Nachlese, Annegret Böhm, OMR-Festival", "de", -0.41, 0.83, 0.27),
    ("Oh, so I tried to be able to get away with this beam and they just touched it", "en", -3.02, 1.14, 0.85),
    ("I'm sorry, " * 12, "en", -0.1, 23.62, 0.27),
    ("Nachlese, Annegret Böhm, OMR-Festival", "de", -0.38, 0.83, 0.44),
    ("I'll see you in the next video, bye bye!", "en", -1.33, 0.89, 0.66),
)

#: What people really say, at the end or in the middle, that looks like it.
TRUE = (
    "Vielen Dank fürs Zuschauen!", "Vielen Dank.", "Danke.", "Tschüss!", "Bis zum nächsten Mal.",
    "Vielen Dank fürs Zuhören und bis zum nächsten Mal.", "Das war's für heute.",
    "Die Untertitel der Amara.org-Community tauchen auf, wenn niemand spricht.",
    "Die Untertitelung des ZDF kostet zwölf Millionen Euro im Jahr.",
    "Wir haben beim ZDF angefangen und dann zum WDR gewechselt.",
    "Untertitel von Hand zu schreiben, dauert bei uns im Haus noch immer viel zu lange.",
    "Die Untertitel von Lena Hartmann sind besser.", "Wir haben Untertitel.",
    "Copyright ist ein englisches Wort.", "Nein, nein, nein, das stimmt nicht.",
    "Das ist sehr, sehr, sehr wichtig.", "Wir schaffen das. Wir schaffen das. Wir schaffen das.",
    "Ja, ja, ja, ja, genau.", "Eins, zwei, eins, zwei, Test, Test.",
    "Auf dem Podium sitzen Annegret Böhm und Jonas Brandt.", "Annegret Böhm, Sie leiten das OMR-Festival.",
    "Das OMR-Festival.", "Annegret Böhm.", "Die β-Version misst in µm.",
    "Das Team hat den Launch gecancelt, weil die Conversion Rate nicht stimmt.",
    "Der Slogan war: This is the end of the world as we know it, und wir haben ihn nicht genommen.",
    "2024 waren es 12.900 Abonnenten, 2023 waren es 9.400.", "Garçon, señora, Łódź und Çelik.",
)  # fmt: skip


@pytest.mark.parametrize("row", INVENTED, ids=lambda row: row[0][:24])
def test_what_a_model_invents_where_nobody_speaks_is_doubted(row):
    text, language, logprob, ratio, silence = row
    measures = {"logprob": logprob, "ratio": ratio, "silence": silence}
    assert doubt(text, language=language, speech=False, turns=False, **measures) is not None


def test_most_inventions_are_doubted_even_if_music_was_taken_for_a_voice():
    """The diarizer and the detector of speech both say that somebody speaks; only plausible short ones get through."""
    through = {
        text for text, language, logprob, ratio, silence in INVENTED
        if doubt(text, language=language, logprob=logprob, ratio=ratio, silence=silence) is None
    }  # fmt: skip
    assert through <= {"You", *(text for text, *_ in INVENTED if text.startswith("Nachlese, Annegret"))}


@pytest.mark.parametrize("text", TRUE)
def test_true_sentences_that_look_alike_are_let_alone(text):
    assert doubt(text) is None
    around = [said("Und damit sind wir am Ende des Gesprächs.", 0.0), said(text, 4.0), said("Applaus bitte!", 30.0)]
    assert doubts(*around)[1] is None


@pytest.mark.parametrize(
    "text",
    [
        "Untertitel der Amara.org-Community", "Untertitelung des ZDF, 2020",
        "Untertitel im Auftrag des ZDF für funk, 2017", "UNTERTITELUNG: BR 2018", "SWR 2021 Südwestrundfunk",
        "Untertitel von Stephanie Geiges", "Copyright WDR 2021", "Subtitles by the Amara.org community",
        "Untertitel von Karla Musterfrau", "Untertitelung im Auftrag von Radio Norderney, 2019",
        "Subtitles by Jane Q. Somebody", "Sous-titres réalisés para la communauté d'Amara.org",
        "Sottotitoli creati dalla comunità Amara.org",
    ],
)  # fmt: skip
def test_credits_are_doubted_wherever_they_stand(text):
    assert doubt(text) is Doubt.BOILERPLATE
    assert doubt(text, turns=False, speech=False) is Doubt.BOILERPLATE


@pytest.mark.parametrize("text", ["Vielen Dank fürs Zuschauen!", "Vielen Dank.", "Thanks for watching!", "You"])
@pytest.mark.parametrize("signs", [{"turns": False}, {"speech": False}, {"silence": 0.7, "probability": 0.4}])
def test_farewells_are_doubted_where_something_else_says_that_nobody_spoke(text, signs):
    assert doubt(text, **signs) is Doubt.BOILERPLATE


def test_one_weak_sign_is_not_enough_against_a_farewell():
    pair = [said("Damit sind wir durch."), said("Vielen Dank.", 3.0)]
    assert doubts(*pair, silence=0.7)[1] is None


def test_a_farewell_alone_in_a_long_silence_needs_only_one_more_sign():
    pair = [said("Damit sind wir durch."), said("Vielen Dank.", 60.0)]
    assert doubts(*pair)[1] is None
    assert doubts(*pair, silence=0.7)[1] is Doubt.BOILERPLATE


def test_the_hotwords_come_back_where_nobody_speaks():
    assert doubt("Nachlese, Annegret Böhm, OMR-Fest", turns=False) is Doubt.ECHO
    assert doubt("Nachlese, Annegret Böhm, OMR-Fest", turns=False, hotwords=()) is Doubt.NO_SPEECH
    assert doubt("Annegret Böhm, OMR-Festival") is None


@pytest.mark.parametrize(
    ("texts", "looped"),
    [
        (["so " * 7], [True]),
        (["so " * 6], [False]),
        (["Das ist gut so. " * 3], [True]),
        (["Das ist gut so. " * 2], [False]),
        (["Und das war der ganze Abend, den wir hatten."] * 3, [True] * 3),
        (["Und das war der ganze Abend, den wir hatten."] * 2, [False] * 2),
        (["Guten Abend.", *["Wir sehen uns dann wieder."] * 3, "Es ging weiter."], [False, True, True, True, False]),
        (["Ja.", "Genau.", "Ja.", "Genau.", "Ja."], [False] * 5),
        (["Face-" * 9 + "Face"], [True]),
    ],
)
def test_loops_are_found_within_and_across_utterances(texts, looped):
    utterances = [said(text, 100.0 * at) for at, text in enumerate(texts)]
    assert [found is Doubt.LOOP for found in doubts(*utterances)] == looped


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (doubt("Das hat niemand gesagt, wirklich.", turns=False), Doubt.NO_SPEECH),
        (doubt("Das wurde wirklich gesagt.", ratio=2.5), Doubt.LOOP),
        (doubt("Das wurde wirklich gesagt.", ratio=2.4), None),
        (doubt("Niemand redet so schnell wie diese Stimme hier.", pace=0.1), Doubt.IMPOSSIBLE_RATE),
        (doubt("Niemand redet so schnell wie diese Stimme hier.", pace=0.0), Doubt.IMPOSSIBLE_RATE),
        (doubt("Ganz kurz.", pace=0.01), None),
        (doubt("Das ist undeutlich gewesen.", probability=0.25), Doubt.LOW_CONFIDENCE),
        (doubt("Das ist undeutlich gewesen.", logprob=-1.1), Doubt.LOW_CONFIDENCE),
        (doubt("Das является Unsinn."), Doubt.SCRIPT),
        (doubt("감사합니다"), Doubt.SCRIPT),
        (doubt("And that is what they have been doing with it for years."), Doubt.LANGUAGE),
        (doubt("Und das ist nicht, was wir mit der Zeitung auch wollten.", language="en"), Doubt.LANGUAGE),
        (doubt("And that is what they have been doing with it for years.", language="en"), None),
        (doubt("And that is what they have been doing with it for years.", language="fr"), None),
    ],
)
def test_each_sign_gives_its_reason(found, reason):
    assert found is reason


def test_words_near_a_turn_are_spoken():
    utterance = said("Das wurde wirklich gesagt.", 11.5)
    recognition = Recognition((Segment(utterance.words, "de", -0.2, 1.0, 0.0),), "de", (Span(11, 14),), SIGNED)
    for end, reason in ((10.4, Doubt.NO_SPEECH), (10.6, None)):
        assert marked([utterance], recognition, [Turn(Span(0, end), "SPEAKER_00")], RULES)[0].doubt is reason


@pytest.mark.parametrize(("rounds", "reason"), [(4, Doubt.LOOP), (0, None)])
def test_what_a_loop_ends_with_is_no_better(rounds, reason):
    around, rest = said("Ich guck auf, " * max(rounds, 1)), said("und ich guck auf.", 20.0)
    segment = Segment((*around.words, *rest.words), "de", -0.2, 1.9, 0.0)
    recognition = Recognition((segment,), "de", (around.span, rest.span), SIGNED)
    turns = [Turn(around.span, "SPEAKER_00"), Turn(rest.span, "SPEAKER_00")]
    assert [u.doubt for u in marked([around, rest], recognition, turns, RULES)] == [reason] * 2


def test_one_failed_segment_is_enough():
    utterance = said("Das wurde wirklich so gesagt.")
    parts = (
        Segment(utterance.words[:2], "de", -0.2, 1.0, 0.0),
        Segment(utterance.words[2:], "de", -0.2, 3.0, 0.0),
    )
    recognition = Recognition(parts, "de", (utterance.span,), SIGNED)
    assert marked([utterance], recognition, [Turn(utterance.span, "SPEAKER_00")], RULES)[0].doubt is Doubt.LOOP


@given(st.lists(st.text(st.sampled_from("aäß0.,- Ωя"), min_size=1).filter(str.strip), min_size=1, max_size=12))
def test_marking_changes_nothing_but_the_mark_and_text_without_speech_is_always_doubted(texts):
    utterances = [said(text, 20.0 * at) for at, text in enumerate(texts)]
    recognition = Recognition(tuple(Segment(u.words, "de", -0.2, 1.0, 0.0) for u in utterances), "de", (), SIGNED)
    found = marked(utterances, recognition, (), RULES)
    assert [replace(utterance, doubt=None) for utterance in found] == utterances
    assert all(utterance.doubt is not None for utterance in found)


def test_every_reason_has_its_german_words():
    assert {f"doubt.{reason.value}" for reason in Doubt} <= labels().keys()


def test_without_rules_nothing_is_held_against_a_phrase():
    utterance = said("Untertitel der Amara.org-Community")
    recognition = Recognition((Segment(utterance.words, "de", -0.2, 1.0, 0.0),), "de", (utterance.span,), SIGNED)
    assert marked([utterance], recognition, [Turn(utterance.span, "SPEAKER_00")], Rules())[0].doubt is None


@pytest.mark.parametrize(("word", "count"), [("Rundfunkbeitrag", 4), ("die", 1), ("Idee", 2), ("WDR", 3), ("…", 1)])
def test_syllables_are_counted_about_right(word, count):
    assert syllables(word) == count


def test_plain_text_has_no_figures_and_no_signs():
    assert plain("  SWR, 2021 – Südwestrundfunk! ") == "swr südwestrundfunk"
