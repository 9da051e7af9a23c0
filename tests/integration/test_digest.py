"""A whole day in a bucket and in a folder: what is in its digest, what isn't, and where its links lead."""

import hashlib
import json
import posixpath
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from docx import Document

from config.settings import labels, load
from jobs.artifacts import MANIFEST, Manifest, canonical_json, folder_of
from jobs.digest import FOLDER, Absence, Stand
from jobs.edits import Edit
from jobs.errors import InputError
from jobs.export import recap_files, transcript_files
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word
from worker.bucket import edits
from worker.bucket.inventory import look
from worker.bucket.place import Place
from worker.bucket.sidecar import read_stored
from worker.bucket.storage import FolderStorage
from worker.bucket.tickets import Mark, recording_at, write_mark
from worker.desk import digest as overview
from worker.desk.signoff import Wish as Approval
from worker.desk.signoff import sign
from worker.engines.extractive import ExtractiveWriter
from worker.queue.intake import sweep

PREFIX = "fest/12 september/"
NAMES = ("digest.json", "digest.md", "digest.html", "digest.docx")


def spoken(lines, names, recording_id):
    """The transcript of what `tests/fixtures/tag.yaml` holds: a word in 0.4 seconds."""
    utterances, known, at = [], {}, 1.0
    for number, line in enumerate(lines.strip().splitlines(), start=1):
        voice, _, text = line.partition(": ")
        doubt = Doubt.BOILERPLATE if voice == "zweifelhaft" else None
        language = "en" if text.startswith("en: ") else "de"
        speaker = known.setdefault("A" if doubt else voice, f"SPEAKER_{len(known):02}")
        words = []
        for token in text.removeprefix("en: ").split():
            words.append(Word(token, Span(round(at, 3), round(at + 0.35, 3)), 0.9, speaker))
            at += 0.4
        at += 0.5
        utterances.append(Utterance(f"u{number:04}", tuple(words), speaker, language, doubt))
    shown = {known[voice]: name for voice, name in names.items()}
    return Transcript(recording_id, round(at, 3), utterances[0].language, tuple(utterances), names=shown)


@pytest.fixture(scope="session")
def day(fixtures: Path):
    return yaml.safe_load((fixtures / "tag.yaml").read_text("utf-8"))


@pytest.fixture(scope="session")
def writer():
    made = ExtractiveWriter()
    made.load()
    return made


class Event:
    """A bucket with the talks of a day, all of them finished."""

    def __init__(self, storage, day, writer):
        self.storage, self.writer = storage, writer
        programme = yaml.safe_dump(day["programm"], allow_unicode=True).encode()
        storage.write(PREFIX + "programme.yaml", programme, "application/yaml")
        for name, told in day["talks"].items():
            self.give(name, told["text"], told["stimmen"])

    def give(self, name, lines, names, *, with_recap=True):
        key = PREFIX + name
        self.storage.write(key, name.encode(), "audio/ogg")
        place = self.place(name)
        transcript = spoken(lines, names, place.recording.id)
        talk = read_stored(key, self.storage)
        files = [*transcript_files(transcript, talk, labels())]
        files += recap_files(self.writer.write(transcript, talk), transcript, talk, labels()) if with_recap else []
        for file in files:
            place.write(file.name, file.data, file.media_type)
        manifest = Manifest(place.recording, "0", datetime(2026, 9, 12, tzinfo=UTC), ())
        place.write(MANIFEST, canonical_json(manifest))
        write_mark(self.storage, key, place.recording.id, Mark.DONE if with_recap else Mark.HEARD)

    def place(self, name):
        key = PREFIX + name
        return Place(recording_at(self.storage, self.storage.head(key)), self.storage, folder_of(key), name, key)

    def transcript(self, name):
        return json.loads(self.storage.read(folder_of(PREFIX + name) + "transcript.json"))

    def make(self, prefix=PREFIX, **wish):
        return overview.make(overview.Wish(prefix, **wish), self.storage, load())

    def read(self, name):
        return self.storage.read(f"{PREFIX}{FOLDER}{name}")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, day, writer):
    """A whole day, to be copied and not to be changed."""
    return Event(FolderStorage(tmp_path_factory.mktemp("day")), day, writer)


@pytest.fixture(scope="module")
def written(finished):
    """Its digest."""
    return finished.make()


@pytest.fixture
def event(finished, tmp_path):
    """The day, to be changed: afterwards everything is as it was, with the times of files that etags are made of."""
    root = finished.storage.root
    shutil.copytree(root, tmp_path / "kept")
    yield finished
    shutil.rmtree(root)
    shutil.copytree(tmp_path / "kept", root)


def said_in(digest):
    return [
        *(one for theme in digest.themes for one in theme.said),
        *(one for comparison in digest.comparisons for one in comparison.said),
        *digest.quotes,
    ]


def test_a_day_becomes_a_draft_that_an_editor_can_use(finished, written):
    digest = written.digest
    titles = [theme.title.text for theme in digest.themes]
    assert {"Künstliche Intelligenz", "Vertrauen"} <= set(titles)
    assert any("Podcast" in title for title in titles)
    assert not any(word in " ".join(titles) for word in ("Bienen", "Quelle", "Vortrag"))
    assert [entry.title for entry in digest.talks] == [
        "Redaktion und Maschine", "Wer schreibt morgen die Nachrichten?", "Abos statt Klicks", "The listening economy",
        "Honig vom Dach", "Wenn Texte Befehle sind",
    ]  # fmt: skip
    assert digest.lead[0].text == "Der Rückblick umfasst sechs Talks am 12.9.2026 (Bühnen: Mainstage und Studio)."
    assert all(entry.headline is not None for entry in digest.talks)
    opposed = [{one.quote.text for one in each.said} for each in digest.comparisons if each.stand is Stand.OPPOSED]
    assert {
        "Die künstliche Intelligenz ersetzt keine Reporter, sie nimmt ihnen nur die langweilige Arbeit ab.",
        "Die künstliche Intelligenz ersetzt die Reporter, die nur Meldungen umschreiben.",
    } in opposed
    alike = [each for each in digest.comparisons if each.stand is Stand.ALIKE]
    assert [{one.quote.language for one in each.said} for each in alike] == [{"de", "en"}]
    # Spread over talks, and a command to a machine is a sentence like any other.
    assert len({one.recording_id for one in digest.quotes}) == len(digest.quotes) == 6
    assert finished.make() == replace(written, changed=False)


def test_every_quote_stands_in_its_transcript_word_for_word(finished, written, day):
    digest = written.digest
    names = {finished.place(name).recording.id: name for name in day["talks"]}
    for said in said_in(digest):
        known = {one["id"]: one for one in finished.transcript(names[said.recording_id])["utterances"]}
        told = [word for one in said.quote.evidence for word in known[one]["words"]]
        span = said.quote.span
        inside = [word for word in told if span.start <= word["span"]["start"] and word["span"]["end"] <= span.end]
        assert " ".join(word["text"] for word in inside) == said.quote.text
        assert {known[one]["speaker"] for one in said.quote.evidence} == {said.quote.speaker}
        assert not any(known[one]["doubt"] for one in said.quote.evidence)
    assert "Amara" not in finished.read("digest.md").decode()


@pytest.mark.usefixtures("written")
def test_every_link_leads_to_a_place_in_a_file_that_is_there(finished):
    page = finished.read("digest.html").decode()
    links = re.findall(r'href="([^"]*)"', page)
    assert len(links) > 30
    for link in links:
        path, _, anchor = link.partition("#")
        key = posixpath.normpath(posixpath.join(PREFIX + FOLDER, unquote(path)))
        target = finished.storage.read(key).decode()
        assert not anchor or f'id="{anchor}"' in target
    assert "<script" not in page


def test_what_is_fetched_links_to_folders_beside_it(event, tmp_path):
    made = event.make(out=tmp_path / "pulled")
    assert made.files == NAMES
    folder = tmp_path / "pulled" / FOLDER
    assert sorted(one.name for one in folder.iterdir()) == sorted(NAMES)
    links = re.findall(r'href="([^"#]*)', (folder / "digest.html").read_text("utf-8"))
    assert {posixpath.dirname(link) for link in links} <= {
        f"../{one.rpartition('/')[2]}.nachlese" for one in (entry.key for entry in made.digest.talks)
    }
    words = "\n".join(one.text for one in Document(str(folder / "digest.docx")).paragraphs)
    assert labels()["draft.label"] in words
    assert all(said.quote.text in words for said in said_in(made.digest))


def test_sensitive_talks_are_counted_and_nothing_else(event, written):
    assert written.digest.withheld == 1
    for name in NAMES[:3]:
        text = event.read(name).decode()
        assert not any(secret in text for secret in ("Ida Roth", "Aus dem Inneren", "1500-quellen", "Rathaus"))
    whole = event.make(with_sensitive=True)
    assert whole.digest.withheld == 0
    assert "Aus dem Inneren" in event.read("digest.md").decode()
    assert "enthält Vertrauliches" in event.read("digest.md").decode()


def test_talks_that_aren_t_finished_are_named(event):
    event.storage.write(PREFIX + "1600-offen.opus", b"sound", "audio/ogg")
    event.storage.write(PREFIX + "1700-kaputt.opus", b"noise", "audio/ogg")
    write_mark(event.storage, PREFIX + "1700-kaputt.opus", event.place("1700-kaputt.opus").recording.id, Mark.FAILED)
    event.storage.write(PREFIX + "1800-wirr.opus", b"sound", "audio/ogg")
    event.storage.write(PREFIX + "1800-wirr.yaml", b"vertraulich: vielleicht", "application/yaml")
    event.give("1900-stumm.opus", "zweifelhaft: Untertitel der Amara.org-Community", {})
    missing = {one.key.removeprefix(PREFIX): one.why for one in event.make().digest.missing}
    assert missing == {
        "1600-offen.opus": Absence.UNDER_WAY, "1700-kaputt.opus": Absence.FAILED,
        "1800-wirr.opus": Absence.BAD_SIDECAR, "1900-stumm.opus": Absence.SILENT,
    }  # fmt: skip
    text = event.read("digest.md").decode()
    assert "Noch in Arbeit: „1600-offen.opus“" in text


def test_a_talk_without_a_recap_counts_by_its_transcript(event):
    event.give(
        "2000-neu.opus", "A: Künstliche Intelligenz ersetzt niemals eine Redaktion mit Haltung.", {}, with_recap=False
    )
    (entry,) = (one for one in event.make().digest.talks if one.key.endswith("2000-neu.opus"))
    assert (entry.headline, entry.source.recap_sha256) == (None, None)
    assert entry.open_questions


def test_what_an_editor_has_corrected_counts(event, written):
    name, wrong, right = "1130-collins.opus", "Nobody skips an advert", "Nobody ever skips an advert"
    assert any(wrong in said.quote.text for said in said_in(written.digest))
    place = event.place(name)
    transcript = spoken_again(event.transcript(name))
    utterances = tuple(
        replace(one, words=(one.words[0], replace(one.words[1], text="ever skips"), *one.words[2:]))
        if one.text.startswith(wrong)
        else one
        for one in transcript.utterances
    )
    edit = Edit(transcript.recording_id, 1, 0, "0" * 64, "Anna", datetime.now(UTC), utterances, transcript.names)
    assert edits.keep(place, edit)
    digest = event.make().digest
    texts = [said.quote.text for said in said_in(digest)]
    assert any(text.startswith(right) for text in texts)
    assert not any(text.startswith(wrong) for text in texts)
    (entry,) = (one for one in digest.talks if one.key.endswith(name))
    assert entry.source.transcript_version == 1


def test_what_somebody_has_approved_goes_before_the_draft(event, written, tmp_path):
    name = "1030-panel.opus"
    headline, chosen = "Eine Maschine ruft keinen Bürgermeister an", "Ein Abo ist ehrlicher als jede Werbung"
    draft = json.loads(event.storage.read(folder_of(PREFIX + name) + "recap.json"))
    draft["headline"] |= {"text": headline, "evidence": ["u0006"]}
    draft["quotes"] = [one for one in draft["quotes"] if one["text"].startswith(chosen)]
    (tmp_path / "recap.json").write_text(json.dumps(draft))
    settings = load()
    signature = sign(PREFIX + name, Approval("Kim Ott", tmp_path / "recap.json"), event.storage, None, settings)

    (entry,) = (one for one in event.make().digest.talks if one.key.endswith(name))
    assert entry.headline.text == headline
    assert entry.open_questions == ()
    assert entry.source.approval == signature.approval
    data = event.storage.read(folder_of(PREFIX + name) + "signed-0001.json")
    assert entry.source.recap_sha256 == hashlib.sha256(data).hexdigest()
    text = event.read("digest.md").decode()
    assert "freigegeben von Kim Ott am" in text
    page = event.read("digest.html").decode()
    (link,) = re.findall(r'href="([^"]*signed-0001[^"]*)"', page)
    assert event.storage.read(posixpath.normpath(posixpath.join(PREFIX + FOLDER, unquote(link))))
    assert [one.source.approval for one in written.digest.talks] == [None] * 6


def test_a_signature_of_an_earlier_upload_or_an_unreadable_one_counts_for_nothing(event):
    name = "1030-panel.opus"
    sign(PREFIX + name, Approval("Kim Ott"), event.storage, None, load())
    signed = json.loads(event.storage.read(folder_of(PREFIX + name) + "signed-0001.json"))
    event.place(name).write("signed-0001.json", canonical_json({**signed, "recording_id": "r-" + "0" * 20}))
    (entry,) = (one for one in event.make().digest.talks if one.key.endswith(name))
    assert entry.source.approval is None
    event.place(name).write("signed-0001.json", b"{}")
    assert {one.key: one.why for one in event.make().digest.missing} == {PREFIX + name: Absence.UNREADABLE}


def spoken_again(data):
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(Transcript).validate_json(json.dumps(data))


def test_nothing_finished_is_an_error_with_a_sentence(event):
    with pytest.raises(InputError) as caught:
        event.make("nirgends/")
    assert caught.value.code == "nothing-to-digest"
    assert labels()["error.nothing-to-digest"].format(name="x", **caught.value.fields)


def test_a_prefix_is_a_folder(event):
    event.storage.write("fest/12 september 2/a.opus", b"sound", "audio/ogg")
    assert event.make(PREFIX.rstrip("/")).digest.missing == ()


def test_in_a_real_bucket_nobody_takes_the_digest_for_an_upload(storage, settings, queue, day, writer):
    few = {name: day["talks"][name] for name in ("0930-keynote.opus", "1030-panel.opus")}
    event = Event(storage, {**day, "talks": few}, writer)
    before = [one.key for one in look(storage, settings).uploads]
    made = event.make()
    assert made.folder == f"s3://{storage.bucket}/{PREFIX}{FOLDER}"
    assert [one.key for one in look(storage, settings).uploads] == before
    assert sweep(storage, queue, settings).queued == 0
    assert not event.make().changed


def test_the_command_works_over_the_results_of_run(finished, nachlese, tmp_path):
    # As `nachlese run` and `pull` leave it: results, and no recordings.
    out, day = tmp_path / "out", finished.storage.root / PREFIX
    for folder in day.glob("[0-9]*.nachlese"):
        shutil.copytree(folder, out / folder.name)
    shutil.copy(day / "programme.yaml", out / "programme.yaml")
    called = nachlese("digest", "--local", out, "--json")
    assert called.code == 0, called.err
    told = json.loads(called.out)
    assert (len(told["talks"]), told["withheld"], told["missing"]) == (6, 1, {})
    assert {one.name for one in (out / FOLDER).iterdir()} == set(NAMES)
    # No word of what was said, no name and no key on the way to the log.
    assert not any(word in called.err for word in ("Künstliche", "Hoffmann", "keynote", "Redaktion"))
    again = nachlese("digest", "--local", out)
    assert "nichts hat sich geändert" in again.out
    empty = nachlese("digest", "nirgends", "--local", out)
    assert empty.code == 1
    assert "nirgends" in empty.err
