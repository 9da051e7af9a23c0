"""A copy of the recording with chapter marks: read by ffprobe, the sound in it untouched."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings, load
from jobs.artifacts import folder_of
from jobs.errors import InputError
from jobs.export import recap_json, transcript_json
from jobs.programme import Talk
from jobs.recap import Approval, Recap
from jobs.signoff import Origin, Signature, approved
from jobs.transcript import Transcript
from worker.bucket.place import Place
from worker.bucket.signatures import keep
from worker.bucket.storage import FolderStorage
from worker.bucket.tickets import recording_at
from worker.desk.chaptered import embed
from worker.sound.media import with_chapters

#: Suffix, and how ffmpeg makes such a file; the sound is 60 s long.
KINDS = {
    ".mp4": ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=60", "-c:v", "libx264", "-c:a", "aac"),
    ".mov": ("-c:a", "aac"),
    ".m4a": ("-c:a", "aac"),
    ".mkv": ("-c:a", "libopus"),
    ".webm": ("-c:a", "libopus"),
    ".mp3": ("-b:a", "48k"),
}
NASTY = 'Warum; #1 = "<b>" \\ [CHAPTER] Größe 🎤?'


def make(path: Path, *arguments: str) -> Path:
    sound = ("-f", "lavfi", "-i", "sine=duration=60")
    tags = ("-metadata", "artist=Elbkurier")
    words = ["ffmpeg", "-v", "error", "-nostdin", *sound, *arguments, *tags, str(path)]
    subprocess.run(words, check=True)
    return path


def probed(path: Path) -> dict[str, Any]:
    words = ["ffprobe", "-v", "error", "-of", "json", "-show_chapters", "-show_format", "-show_streams", str(path)]
    return dict(json.loads(subprocess.run(words, check=True, capture_output=True).stdout))


def packets(path: Path) -> str:
    """Digest of the sound as it is stored."""
    words = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-c", "copy", "-f", "md5", "-"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def chapters_of(found: dict[str, Any]) -> Sequence[tuple[float, float, str]]:
    return [(float(one["start_time"]), float(one["end_time"]), one["tags"]["title"]) for one in found["chapters"]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "scratch").mkdir()
    return load().but(media={"scratch": str(tmp_path / "scratch")})


class Bucket:
    def __init__(self, folder: Path, key: str, upload: Path) -> None:
        self.storage, self.key = FolderStorage(folder / "bucket"), key
        self.storage.upload(upload, key, "")
        found = self.storage.head(key)
        assert found is not None
        self.place = Place(recording_at(self.storage, found), self.storage, folder_of(key), "x", key)

    def deliver(self, recap: Recap, transcript: Transcript) -> None:
        labels = {"draft.label": "ENTWURF"}
        for file in (
            recap_json.write(recap, transcript, Talk(), labels),
            transcript_json.write(transcript, Talk(), labels),
        ):
            self.place.write(file.name, file.data)


@pytest.mark.parametrize("suffix", KINDS)
def test_chapters_stand_in_the_copy_and_the_sound_is_the_same(
    suffix: str, tmp_path: Path, settings: Settings, sample_recap: Recap, sample_transcript: Transcript
) -> None:
    upload = make(tmp_path / f"upload{suffix}", *KINDS[suffix])
    bucket = Bucket(tmp_path, f"talks/panel{suffix.upper()}", upload)
    first, second = sample_recap.chapters
    bucket.deliver(replace(sample_recap, chapters=(replace(first, title=NASTY), second)), sample_transcript)
    path = embed(bucket.key, bucket.storage, tmp_path / "out", settings)
    assert path == tmp_path / "out" / f"panel{suffix.upper()}.nachlese" / f"recording-with-chapters{suffix}"
    found = probed(path)
    assert chapters_of(found) == [
        (0.0, pytest.approx(33.0, abs=0.01), NASTY),
        (pytest.approx(33.0, abs=0.01), pytest.approx(50.0, abs=0.01), "Claire, what about London?"),
    ]
    assert packets(path) == packets(upload)
    tags = {name.lower(): value for name, value in found["format"]["tags"].items()}
    if suffix != ".mov":  # QuickTime has other names for them
        assert tags["artist"] == "Elbkurier"
    assert "ENTWURF" in tags["comment"]
    assert float(found["format"]["duration"]) == pytest.approx(60, abs=0.2)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert [one["codec_type"] for one in found["streams"] if one["codec_type"] == "video"] == (
        ["video"] if suffix == ".mp4" else []
    )


def test_approved_chapters_go_before_those_of_the_draft(
    tmp_path: Path, settings: Settings, sample_recap: Recap, sample_transcript: Transcript
) -> None:
    bucket = Bucket(tmp_path, "panel.mp3", make(tmp_path / "upload.mp3", *KINDS[".mp3"]))
    bucket.deliver(sample_recap, sample_transcript)
    chapters = (replace(sample_recap.chapters[0], title="Von Hand"),)
    recap = approved(replace(sample_recap, chapters=chapters), Approval("Kim Ott", datetime.now(UTC), 1))
    origin = Origin("0" * 16, "", 0, "", "")
    assert keep(bucket.place, Signature(bucket.place.recording.id, origin, "", None, None, (), (), (), recap))
    found = probed(embed(bucket.key, bucket.storage, tmp_path / "out", settings))
    assert [title for _, _, title in chapters_of(found)] == ["Von Hand"]
    assert "freigegeben von Kim Ott" in found["format"]["tags"]["comment"]


def test_what_cannot_hold_chapters_is_told(
    tmp_path: Path, settings: Settings, sample_recap: Recap, sample_transcript: Transcript
) -> None:
    bucket = Bucket(tmp_path, "panel.wav", make(tmp_path / "upload.wav"))
    with pytest.raises(InputError, match="no-chapters"):
        embed("panel.wav", bucket.storage, tmp_path / "out", settings)
    bucket.deliver(replace(sample_recap, chapters=()), sample_transcript)
    with pytest.raises(InputError, match="no-chapters"):
        embed("panel.wav", bucket.storage, tmp_path / "out", settings)
    bucket.deliver(sample_recap, sample_transcript)
    with pytest.raises(InputError, match="no-room-for-chapters"):
        embed("panel.wav", bucket.storage, tmp_path / "out", settings)
    with pytest.raises(InputError, match="not-found"):
        embed("other.wav", bucket.storage, tmp_path / "out", settings)
    assert not list((tmp_path / "out").rglob("recording*"))


def test_no_script_posing_as_sound_gets_a_copy_of_a_neighbour(tmp_path: Path, settings: Settings) -> None:
    make(tmp_path / "secret.mp3", *KINDS[".mp3"])
    (tmp_path / "evil.mp3").write_text("ffconcat version 1.0\nfile secret.mp3\n")
    with pytest.raises(InputError):
        with_chapters(
            tmp_path / "evil.mp3", b";FFMETADATA1\n", tmp_path / "copy.mp3", comment="", limits=settings.media
        )
    assert not (tmp_path / "copy.mp3").exists()
