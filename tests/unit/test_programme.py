import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from config.settings import labels
from jobs.errors import InputError
from jobs.export.labels import sentence
from jobs.programme import SEVERAL, Guest, Talk, merged, parse_glossary, parse_talk
from jobs.transcript import Notice

#: Whatever YAML can say.
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.binary()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(scalars, inner, max_size=4), max_leaves=12
)
fields = st.sampled_from(
    [
        "titel",
        "gäste",
        "Personen",
        "sprache",
        "begriffe",
        "stimmen",
        "vertraulich",
        "dringend",
        "zweck",
        "title",
        " Terms ",
    ]
)


def test_a_sidecar_as_a_producer_writes_it():
    talk = parse_talk(
        yaml.safe_load(
            """
            Titel: Wer hört   noch Nachrichten?
            gäste:
              - name: Anna Lindner
                rolle: Leiterin einer Lokalzeitung
              - Jonas Brandt: Moderation
              - Lena Hartmann
            sprache: Deutsch
            begriffe: Stadtpodcast, Lokalzeitung, Anna Lindner
            stimmen: 2–4
            vertraulich: ja
            """
        )
    )
    assert talk == Talk(
        title="Wer hört noch Nachrichten?",
        guests=(
            Guest("Anna Lindner", "Leiterin einer Lokalzeitung"),
            Guest("Jonas Brandt", "Moderation"),
            Guest("Lena Hartmann"),
        ),
        language="de",
        terms=("Stadtpodcast", "Lokalzeitung", "Anna Lindner"),
        min_speakers=2,
        max_speakers=4,
        sensitive=True,
    )


def test_nothing_needs_to_be_said():
    assert parse_talk(None) == parse_talk({}) == parse_talk({"titel": None, "gäste": None}) == Talk()


@pytest.mark.parametrize(
    ("given_voices", "bounds"),
    [(3, (None, 3)), ("2-4", (2, 4)), ("2 – 4", (2, 4)), ("1-1", (1, 1)), ("50", (None, 50))],
)
def test_voices_are_a_number_or_a_range(given_voices, bounds):
    talk = parse_talk({"stimmen": given_voices})
    assert (talk.min_speakers, talk.max_speakers) == bounds


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ("nur Text", "titel: …"),
        (["a", "b"], "titel: …"),
        ({"tittel": "x"}, "tittel"),
        ({"titel": ["x"]}, "titel"),
        ({"gäste": {"name": "x"}}, "gäste"),
        ({"gäste": [{"rolle": "Moderation"}]}, "Name"),
        ({"gäste": [{"name": None}]}, "Name"),
        ({"sprache": "bayerisch"}, "bayerisch"),
        ({"sprache": "d1"}, "d1"),
        ({"stimmen": "viele"}, "stimmen"),
        ({"stimmen": "4-2"}, "stimmen"),
        ({"stimmen": "1-2-3"}, "stimmen"),
        ({"stimmen": 0}, "stimmen"),
        ({"stimmen": 51}, "stimmen"),
        ({"vertraulich": "vielleicht"}, "vertraulich"),
    ],
)
def test_a_mistake_is_told_in_german_with_what_to_correct(data, named):
    with pytest.raises(InputError) as error:
        parse_talk(data)
    assert error.value.code == "bad-sidecar"
    assert named in str(error.value.fields["what"])
    told = sentence(labels(), "error", "bad-sidecar", {**error.value.fields, "name": "talk.mp3"})
    assert "talk.mp3" in told
    assert "bitte" in told.lower()
    assert named not in error.value.detail


@given(st.dictionaries(fields | st.text(), anything, max_size=4) | anything)
@example({"stimmen": "9" * 5000})
@example({"titel": "\ud800"})
def test_whatever_yaml_holds_is_a_talk_or_the_producers_mistake(data):
    try:
        talk = parse_talk(data)
    except InputError as error:
        code, talk = error.code, Talk()
    else:
        code = "bad-sidecar"
    assert code == "bad-sidecar"
    for text in (
        talk.title or "",
        *talk.terms,
        *(guest.name for guest in talk.guests),
        *(guest.role or "" for guest in talk.guests),
    ):
        text.encode()
        assert len(text) <= 300
        assert text == " ".join(text.split())
    assert all(guest.name for guest in talk.guests)
    assert (talk.min_speakers or 1) <= (talk.max_speakers or 50)


@pytest.mark.parametrize(
    ("said", "urgent"),
    [({"dringend": "ja"}, True), ({"Urgent": True}, True), ({"dringend": "nein"}, False), ({}, False)],
)
def test_urgent_is_said_in_either_language(said, urgent):
    assert parse_talk(said).urgent is urgent


def test_an_answer_that_is_neither_names_its_entry():
    with pytest.raises(InputError) as caught:
        parse_talk({"dringend": "sehr"})
    assert "„dringend“" in caught.value.fields["what"]


SIDECAR = Talk("Neu", (Guest("A"),), "en", ("x", "y"), 2, 3, sensitive=True, notices=(Notice("one"),))
SCHEDULE = Talk("Alt", (Guest("B"),), "de", ("y", "z"), None, 9, urgent=True, notices=(Notice("two"),))


@pytest.mark.parametrize("field", ["title", "guests", "language", "min_speakers", "max_speakers"])
def test_the_sidecar_goes_before_the_schedule(field):
    assert getattr(merged(SIDECAR, SCHEDULE), field) == getattr(SIDECAR, field)
    assert getattr(merged(Talk(), SCHEDULE), field) == getattr(SCHEDULE, field)


def test_terms_add_up_and_the_glossary_comes_last():
    assert merged(SIDECAR, SCHEDULE, ("g", "x")).terms == ("x", "y", "z", "g")


@pytest.mark.parametrize("field", ["sensitive", "urgent"])
def test_sensitive_or_urgent_is_what_either_calls_so(field):
    assert getattr(merged(SIDECAR, SCHEDULE), field)
    assert getattr(merged(SCHEDULE, SIDECAR), field)
    assert not getattr(merged(Talk(), Talk()), field)


def test_notices_of_both_are_kept_and_nothing_is_lost_to_nothing():
    assert merged(SIDECAR, SCHEDULE).notices == (Notice("one"), Notice("two"))
    assert merged(SIDECAR, Talk()) == merged(Talk(), SIDECAR) == SIDECAR


@pytest.mark.parametrize(
    "data", [["Elbkurier", "Anna Lindner"], "Elbkurier, Anna Lindner", {"begriffe": ["Elbkurier", "Anna Lindner"]}]
)
def test_a_glossary_is_a_list_of_terms(data):
    assert parse_glossary(data) == ("Elbkurier", "Anna Lindner")
    assert parse_glossary(None) == ()


def test_signs_that_turn_the_reading_direction_are_left_out():
    assert parse_talk({"titel": "Das \u202eEnde\x00"}).title == "Das Ende"


def test_more_terms_than_a_talk_can_have_are_a_mistake():
    with pytest.raises(InputError):
        parse_talk({"begriffe": ["x"] * 501})


def test_several_languages_overrule_what_a_programme_fixes():
    own = parse_talk({"sprache": "gemischt"})
    assert own.language == SEVERAL
    assert merged(own, parse_talk({"language": "de"})).language == SEVERAL
    assert merged(Talk(), parse_talk({"language": "de"})).language == "de"
