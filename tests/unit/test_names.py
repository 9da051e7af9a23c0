from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.names import Conflict, Reason, conflicts, suggestions
from jobs.programme import Guest, Talk
from jobs.timeline import Span
from jobs.transcript import Doubt, Likeness, Transcript, Utterance, Word

HOST, ONE, TWO = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"
PROGRAMME = Talk(guests=(Guest("Jonas Brandt", "Moderation"), Guest("Anna Lindner"), Guest("Dr. Lena von Hartmann")))


def conversation(*said, names=None, silence_s=0.3):
    """A transcript of (speaker, text) or (speaker, text, doubt); an utterance each, two words a second."""
    utterances, time = [], 0.0
    for number, (speaker, text, *doubt) in enumerate(said, start=1):
        words = []
        for token in text.split():
            words.append(Word(token, Span(time, time + 0.4), 0.9, speaker))
            time += 0.5
        utterances.append(Utterance(f"u{number:04}", tuple(words), speaker, "de", *doubt))
        time += silence_s
    return Transcript("r-test", time, "de", tuple(utterances), names=names or {})


def who(*said, talk=None, **more):
    found = suggestions(conversation(*said, **more), talk or Talk())
    return {one.speaker: one.name for one in found}


def test_a_suggestion_says_why_when_and_where():
    said = ((HOST, "Ich bin Jonas Brand."), (HOST, "Frau Hartmann, wer hört Ihnen zu?"), (ONE, "Es sind 400 Menschen."))
    one, two = suggestions(conversation(*said), PROGRAMME)
    assert (one.speaker, one.name, one.heard) == (HOST, "Jonas Brandt", "Jonas Brand")
    assert (one.reason, one.evidence, one.time) == (Reason.INTRODUCES_SELF, ("u0001",), 0.0)
    assert (two.speaker, two.name, two.heard) == (ONE, "Dr. Lena von Hartmann", "Frau Hartmann")
    assert (two.reason, two.evidence, two.time) == (Reason.ADDRESSED, ("u0002",), pytest.approx(2.3))


@pytest.mark.parametrize(
    "text",
    [
        "Guten Abend, ich bin Jonas Brandt.",
        "Mein Name ist Jonas Brandt, und ich moderiere.",
        "Ich heiße Jonas Brandt.",
        "Ich bin Moderator Jonas Brandt.",
        "Hello, I'm Jonas Brandt.",
        "My name is Jonas Brandt and I write.",
    ],
)
@pytest.mark.parametrize("talk", [Talk(), PROGRAMME])
def test_who_introduces_themselves_is_known(text, talk):
    assert who((ONE, text), talk=talk) == {ONE: "Jonas Brandt"}


@pytest.mark.parametrize(
    "text",
    [
        "Ich bin Journalistin.",
        "Ich bin der Meinung, dass es reicht.",
        "Ich bin in Hamburg geboren.",
        "Im Deutschen Bundestag ist es laut.",
        "Hier ist Radio Bremen zu hören.",
    ],
)
def test_not_everything_after_i_am_is_a_name(text):
    assert who((ONE, text)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "Frau Lindner, wer hört Ihnen zu?",
        "Wer hört Ihnen zu, Frau Lindner?",
        "Damit zum letzten Thema, der Technik, Frau Lindner, darf eine Maschine sprechen?",
        "Und Frau Lindner, wie sehen Sie das?",
        "Danke, Herr Ott. Frau Lindner, wie sehen Sie das?",
        "Wer hört Ihnen zu? Frau Lindner?",
    ],
)
def test_who_is_addressed_answers(text):
    assert who((HOST, text), (ONE, "Es sind mehr, als wir dachten.")) == {ONE: "Frau Lindner"}
    assert who((HOST, text), (ONE, "Es sind mehr, als wir dachten."), talk=PROGRAMME) == {ONE: "Anna Lindner"}


@pytest.mark.parametrize(
    "text",
    [
        # Spoken of, not to.
        "Das hat Frau Lindner auch gesagt.",
        "Ich spreche mit Frau Ott, Herrn Lang und Frau Lindner.",
        "Bei mir sind Frau Ott und Frau Lindner, was freut Sie daran?",
        # To whom?
        "Frau Ott, Frau Lindner, wie sehen Sie das?",
        # Broken off: the diarizer cut a turn in two.
        "Frau Lindner, Sie",
        "Okay, wie sehen Sie das?",
        "Genau, du hast recht.",
    ],
)
def test_a_name_that_calls_nobody_is_no_suggestion(text):
    assert who((HOST, text), (ONE, "Es sind mehr, als wir dachten.")) == {}


def test_first_names_count_where_people_say_du():
    answer = (ONE, "Ja, und ich bin ganz müde.")
    assert who((HOST, "Timo, du warst gestern im Stadion."), answer) == {ONE: "Timo"}
    assert who((HOST, "Jonas, wie war es gestern?"), answer) == {}
    assert who((HOST, "Jonas, wie war es gestern?"), answer, talk=PROGRAMME) == {ONE: "Jonas Brandt"}


def test_who_is_thanked_has_just_spoken():
    said = (
        (ONE, "Es sind mehr, als wir dachten."),
        (HOST, "Vielen Dank, Frau Lindner."),
        (TWO, "Ich sehe das anders."),
    )
    assert who(*said) == {ONE: "Frau Lindner"}


def test_full_names_said_elsewhere_explain_surnames():
    said = (
        (ONE, "Mein Name ist Anna Lindner."),
        (HOST, "Frau Lindner, wie sehen Sie das?"),
        (ONE, "Ich sehe das ganz anders."),
    )
    assert who(*said) == {ONE: "Anna Lindner"}


def test_whom_a_host_presents_may_be_called_by_first_name_or_surname():
    presented = (HOST, "Zu Gast sind Bürgermeister Ole Petersen und die Forscherin Grace Miller.")
    answer = (ONE, "It was a very long night.")
    assert who(presented, (HOST, "Grace, what did the people say?"), answer) == {ONE: "Grace Miller"}
    assert who(presented, (HOST, "Herr Petersen, was haben Sie gehört?"), answer) == {ONE: "Ole Petersen"}
    assert who((HOST, "Grace, what did the people say?"), answer) == {}


def test_near_misses_of_the_recognizer_find_the_guest_and_strangers_don_t():
    answer = (ONE, "Es sind mehr, als wir dachten.")
    assert who((HOST, "Frau Lindnar, wie sehen Sie das?"), answer, talk=PROGRAMME) == {ONE: "Anna Lindner"}
    assert who((HOST, "Frau Schuster, wie sehen Sie das?"), answer, talk=PROGRAMME) == {}
    twins = Talk(guests=(Guest("Anna Meier"), Guest("Paul Meier")))
    assert who((HOST, "Frau Meier, wie sehen Sie das?"), answer, talk=twins) == {}


def test_what_contradicts_itself_is_not_suggested():
    called = (HOST, "Frau Lindner, wie sehen Sie das?")
    one, two = (ONE, "Ich sehe das ganz anders."), (TWO, "Ich sehe das auch so.")
    assert who(called, one, called, two) == {}
    assert who(called, one, called, two, called, one) == {ONE: "Frau Lindner"}
    # Who says so themselves is believed.
    assert who(called, one, (TWO, "Mein Name ist Anna Lindner.")) == {TWO: "Anna Lindner"}


def test_nothing_is_taken_from_doubtful_passages_or_over_long_silences():
    answer = (ONE, "Es sind mehr, als wir dachten.")
    assert who((HOST, "Frau Lindner, wie sehen Sie das?", Doubt.LOOP), answer) == {}
    assert who((HOST, "Frau Lindner, wie sehen Sie das?"), answer, silence_s=20.0) == {}
    assert who((None, "Ich bin Jonas Brandt.")) == {}


def test_voices_with_a_name_are_left_alone():
    said = ((HOST, "Ich bin Jonas Brandt."), (ONE, "Ich bin Anna Lindner."))
    assert who(*said, names={HOST: "Jonas Brandt"}) == {ONE: "Anna Lindner"}
    assert who(*said, names={ONE: "Jonas Brandt"}) == {}


def test_a_single_voice_is_the_only_guest():
    alone = Talk(guests=(Guest("Jonas Brandt"),))
    (found,) = suggestions(conversation((ONE, "Zeitungen kosten Geld.")), alone)
    assert (found.name, found.reason, found.evidence) == ("Jonas Brandt", Reason.ANNOUNCED_ALONE, ("u0001",))
    assert who((ONE, "Zeitungen kosten Geld."), (TWO, "Nicht nur."), talk=alone) == {}
    assert who((ONE, "Zeitungen kosten Geld."), talk=PROGRAMME) == {}


def test_the_last_voice_is_the_last_guest_where_there_are_as_many_of_either():
    said = ((HOST, "Ich bin Jonas Brandt."), (TWO, "Zeitungen kosten Geld."))
    two = Talk(guests=(Guest("Jonas Brandt", "Moderation"), Guest("Anna Lindner")))
    _, found = suggestions(conversation(*said), two)
    assert (found.speaker, found.name, found.reason) == (TWO, "Anna Lindner", Reason.LEFT_OVER)
    assert found.evidence == ("u0002",)
    assert who(*said, (ONE, "Nicht nur."), talk=two) == {HOST: "Jonas Brandt"}, "somebody from the audience, perhaps"
    assert who(*said, talk=Talk(guests=(*two.guests, Guest("Lena Hartmann")))) == {HOST: "Jonas Brandt"}
    assert who((HOST, "Guten Tag."), (TWO, "Zeitungen kosten Geld."), talk=two) == {}
    nobody_hosts = Talk(guests=(Guest("Jonas Brandt"), Guest("Anna Lindner")))
    assert who(*said, talk=nobody_hosts) == {HOST: "Jonas Brandt"}, "whose voice is the host's?"


LINES = st.sampled_from(
    [
        "Ich bin Jonas Brandt.",
        "Mein Name ist Anna Lindner.",
        "Frau Lindner, wie sehen Sie das?",
        "Herr Brandt, was sagen Sie dazu?",
        "Danke, Herr Brandt.",
        "Das sehe ich ganz anders.",
        "Timo, du warst dort.",
        "Ja.",
    ]
)
PASSAGES = st.lists(
    st.tuples(st.sampled_from([HOST, ONE, TWO, None]), LINES, st.sampled_from([None, None, Doubt.LOOP])), max_size=25
)


@given(PASSAGES, st.sampled_from([Talk(), PROGRAMME]))
def test_every_suggestion_was_said_and_no_name_is_given_twice(said, talk):
    transcript = conversation(*said)
    found = suggestions(transcript, talk)
    assert len({one.speaker for one in found}) == len(found) == len({one.name for one in found})
    sound = {u.id: u.text for u in transcript.utterances if u.doubt is None}
    for one in found:
        assert one.speaker in transcript.speakers
        assert one.evidence
        assert one.reason is Reason.LEFT_OVER or any(one.heard in sound[evidence] for evidence in one.evidence)
        assert not talk.guests or one.name in {guest.name for guest in talk.guests}


@pytest.mark.parametrize(
    "welcome",
    [
        "Ich begrüße auf der Bühne Anna Lindner.",
        "Und jetzt einen großen Applaus für Anna Lindner!",
        "Please welcome Anna Lindner.",
        "Herzlich willkommen, Anna Lindner.",
        "Bitte begrüßen Sie mit mir Anna Lindener.",
    ],
)
def test_who_is_welcomed_speaks_next(welcome):
    said = ((HOST, welcome), (ONE, "Danke für die schöne Einladung."))
    assert who(*said, talk=PROGRAMME)[ONE] == "Anna Lindner"
    (found,) = [one for one in suggestions(conversation(*said), PROGRAMME) if one.speaker == ONE]
    assert found.evidence == ("u0001",)
    assert found.reason in {Reason.WELCOMED, Reason.ADDRESSED}


def test_of_several_who_are_welcomed_nobody_knows_who_speaks():
    said = ((HOST, "Ich begrüße heute Anna Lindner und Lena Hartmann."), (ONE, "Danke für die Einladung."))
    assert ONE not in who(*said, talk=PROGRAMME)


def test_who_is_welcomed_and_says_nothing_is_not_the_next_voice():
    said = ((HOST, "Ich begrüße Anna Lindner."), (ONE, "Mhm."))
    assert ONE not in who(*said, talk=PROGRAMME)


@pytest.mark.parametrize(
    "text", ["Ich begrüße Sie zu diesem Abend.", "I'm your host tonight.", "Durch den Abend führe ich."]
)
def test_the_voice_that_hosts_is_the_one_announced_for_it(text):
    said = ((HOST, text), (ONE, "Es ist sehr voll hier."))
    assert who(*said, talk=PROGRAMME) == {HOST: "Jonas Brandt"}
    assert HOST not in who(*said, talk=Talk(guests=(Guest("A B", "Moderation"), Guest("C D", "Moderation"))))
    assert not who(*said)


def test_two_voices_that_host_leave_it_open():
    said = ((HOST, "Ich begrüße Sie herzlich."), (ONE, "Ich moderiere hier auch."))
    assert not who(*said, talk=PROGRAMME)


@pytest.mark.parametrize(
    "text",
    ["Anna Lindner mein Name.", "Guten Abend, Anna Lindner ist mein Name.", "Ich bin Dr. Anna Lindner vom Kurier."],
)
def test_more_ways_to_say_who_one_is(text):
    assert who((ONE, text)) == {ONE: "Anna Lindner"}


def test_a_name_that_two_voices_claim_is_nobodys_and_is_told():
    said = ((ONE, "Ich heiße Anna Lindner."), (TWO, "Mein Name ist Anna Lindner."))
    transcript = conversation(*said)
    assert not suggestions(transcript, PROGRAMME)
    assert conflicts(transcript, PROGRAMME) == (Conflict("Anna Lindner", (ONE, TWO), ("u0001", "u0002")),)


def test_a_name_that_is_settled_is_no_conflict():
    said = ((ONE, "Ich heiße Anna Lindner."), (TWO, "Mein Name ist Anna Lindner."))
    assert not conflicts(conversation(*said, names={ONE: "Anna Lindner"}), PROGRAMME)
    assert not conflicts(conversation(said[0]), PROGRAMME)


def alike(transcript, *pairs):
    found = tuple(Likeness(speaker, name, 0.84, datetime(2026, 11, 3, tzinfo=UTC)) for speaker, name in pairs)
    return replace(transcript, likenesses=found)


def test_a_voice_that_sounds_like_a_profile_is_suggested_with_its_evidence():
    heard = alike(conversation((HOST, "Guten Abend."), (ONE, "Zeitungen kosten Geld.")), (ONE, "Anna Berg"))
    (found,) = suggestions(heard, PROGRAMME)
    assert (found.speaker, found.name, found.reason) == (ONE, "Anna Berg", Reason.RESEMBLES)
    assert (found.evidence, found.likeness) == (("u0002",), heard.likenesses[0])


def test_a_profile_is_written_as_the_programme_writes_it_but_only_if_it_is_the_same_name():
    heard = conversation((ONE, "Zeitungen kosten Geld."), (TWO, "Ja, sehr viel sogar."))
    found = suggestions(alike(heard, (ONE, "Lena Hartmann"), (TWO, "Anna Lindner-Ott")), PROGRAMME)
    assert [one.name for one in found] == ["Dr. Lena von Hartmann", "Anna Lindner-Ott"]


def test_what_was_said_and_a_profile_add_up():
    heard = conversation((HOST, "Frau Hartmann, wer hört Ihnen zu?"), (ONE, "Es sind 400 Menschen."))
    (found,) = suggestions(alike(heard, (ONE, "Lena Hartmann")), PROGRAMME)
    assert (found.name, found.reason, found.likeness is None) == ("Dr. Lena von Hartmann", Reason.RESEMBLES, False)


def test_who_introduces_themselves_is_believed_before_a_profile():
    heard = alike(conversation((ONE, "Ich bin Anna Lindner.")), (ONE, "Lena Ott"))
    (found,) = suggestions(heard, Talk())
    assert (found.name, found.likeness) == ("Anna Lindner", None)


def test_a_profile_never_renames_a_voice_that_an_editor_has_named():
    assert not suggestions(alike(conversation((ONE, "Ja."), names={ONE: "Jonas Brandt"}), (ONE, "Anna Berg")), Talk())


def test_a_likeness_of_doubtful_words_only_is_no_suggestion():
    assert not suggestions(alike(conversation((ONE, "Ja.", Doubt.NO_SPEECH)), (ONE, "Anna Berg")), Talk())


def test_whoever_is_presented_as_herrn_lindner_is_herr_lindner():
    heard = conversation(
        (HOST, "Ich begrüße heute Frau Berger und Herrn Lindner."),
        (ONE, "Guten Abend, ich freue mich."),
        (HOST, "Herr Lindner, wie geht es Ihnen?"),
        (TWO, "Danke, es geht mir gut."),
    )
    assert {one.speaker: one.name for one in suggestions(heard, Talk())}[TWO] == "Herr Lindner"
