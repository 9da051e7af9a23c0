import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.chapters import MIN_ANNOUNCED_S, MIN_CHAPTER_S, chapter_starts, cues, moderator, usual_length
from jobs.german import Spoken
from jobs.timeline import Span
from jobs.transcript import Word

HOST, GUEST = "SPEAKER_00", "SPEAKER_01"


def sentence(text, start, length=4.0, speaker=GUEST):
    tokens = text.split()
    step = length / len(tokens)
    words = tuple(
        Word(token, Span(start + i * step, start + (i + 1) * step), 0.9, speaker) for i, token in enumerate(tokens)
    )
    return Spoken(words, ("u0001",), speaker, "de")


def talk(count, every=5.0, text="Menschen lesen gerne lange Texte über andere Menschen."):
    return [sentence(text, i * every) for i in range(count)]


def topics(sizes, *, noise=0.5, seed=0):
    """Vectors scattered around one direction a topic, centred as the writer does."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([np.eye(16)[[k % 16] * size] for k, size in enumerate(sizes)])
    rows = rows + noise * rng.standard_normal(rows.shape) / 4
    return (rows - rows.mean(axis=0)).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_topics_are_found_by_meaning_alone(seed):
    sizes = [22, 17, 25, 19, 30, 20]
    starts = chapter_starts(talk(sum(sizes)), topics(sizes, seed=seed), duration_s=5.0 * sum(sizes), host=None)
    assert starts == tuple(int(start) for start in np.cumsum([0, *sizes[:-1]]))


def test_a_question_of_the_host_moves_the_cut_to_itself():
    sizes = [20, 20]
    said = talk(40)
    vectors = topics(sizes)
    vectors[19] = 0.0
    said[19] = sentence("Und wie sehen Sie das?", 95.0, speaker=HOST)
    assert chapter_starts(said, vectors, duration_s=200.0, host=HOST) == (0, 19)


@given(
    gaps=st.lists(st.floats(0.5, 60.0), min_size=1, max_size=60),
    seed=st.integers(0, 100),
    texts=st.lists(
        st.sampled_from(["Kommen wir zum Geld.", "Das ist so.", "Warum?", "Ein Haus steht da."]), min_size=1
    ),
)
def test_chapters_cover_everything_and_none_is_too_short(gaps, seed, texts):
    times = np.cumsum(gaps)
    said = [sentence(texts[i % len(texts)], float(time), 0.4) for i, time in enumerate(times)]
    vectors = np.random.default_rng(seed).standard_normal((len(said), 8)).astype(np.float32)
    duration_s = float(times[-1]) + 1.0
    starts = chapter_starts(said, vectors, duration_s=duration_s, host=None)
    assert starts[0] == 0
    assert list(starts) == sorted(set(starts))
    edges = [0.0, *(said[i].span.start for i in starts[1:]), duration_s]
    shortest = [MIN_ANNOUNCED_S if said[i].text == "Kommen wir zum Geld." else MIN_CHAPTER_S for i in starts]
    assert len(starts) == 1 or all(np.diff(edges) >= np.minimum(shortest, duration_s / 3) - 1e-6)


def test_an_announced_topic_is_a_chapter_however_short_its_answer_is():
    said = [sentence("Menschen lesen gerne lange Texte.", 5.0 * i) for i in range(24)]
    vectors = np.tile(topics([1]), (24, 1))
    assert chapter_starts(said, vectors, duration_s=120.0, host=HOST) == (0,)
    said[10] = sentence("Vielen Dank, kommen wir zum Geld, wer bezahlt das, Frau Ott?", 50.0, speaker=HOST)
    said[14] = sentence("Damit zum letzten Thema, der Werbung, Herr Lang, wer bezahlt das?", 70.0, speaker=HOST)
    assert chapter_starts(said, vectors, duration_s=120.0, host=HOST) == (0, 10, 14)


def test_no_sentences_no_chapters():
    assert chapter_starts([], np.zeros((0, 8), np.float32), duration_s=10.0, host=None) == ()


def test_a_day_of_speech_is_cut_into_a_readable_number_of_chapters():
    count = 5000
    vectors = np.random.default_rng(0).standard_normal((count, 8)).astype(np.float32)
    starts = chapter_starts(talk(count, every=5.76), vectors, duration_s=8 * 3600.0, host=None)
    assert 40 <= len(starts) <= 160


def test_cues_weigh_what_is_said():
    said = [
        sentence("Menschen lesen gerne.", 0.0),
        sentence("Das ist so.", 5.0),
        sentence("Kommen wir zum Geld.", 10.0),
        sentence("So, zum Schluss noch etwas.", 15.0),
        sentence("Das Publikum wächst.", 20.0),
    ]
    plain, leaning, opening, closing, article = cues(said, host=None)
    assert leaning < plain == article < opening == closing


def test_a_silence_speaks_for_a_new_chapter():
    said = [sentence("Menschen lesen gerne.", time) for time in (0.0, 4.5, 9.0, 17.0, 21.5)]
    gain = cues(said, host=None)
    assert gain.argmax() == 3


def test_the_moderator_is_who_asks():
    said = [
        sentence("Warum ist das so?", 0.0, speaker=HOST),
        sentence("Weil es so ist.", 5.0),
        sentence("Wie geht es weiter?", 10.0, speaker=HOST),
        sentence("Wer weiß das schon?", 15.0),
    ]
    assert moderator(said) == HOST
    assert moderator(said[:2]) is None
    assert moderator([s for s in said if s.speaker == HOST]) is None


def test_longer_recordings_have_longer_chapters_and_more_of_them():
    durations = [60.0, 300.0, 1200.0, 3600.0, 28_800.0]
    lengths = [usual_length(d) for d in durations]
    counts = [d / length for d, length in zip(durations, lengths, strict=True)]
    assert lengths == sorted(lengths)
    assert counts == sorted(counts)
