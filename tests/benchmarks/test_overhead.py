"""What the whole pipeline costs beside its two engines called bare, in one run on the same array; and its memory.

Run by `make bench`. Machines are noisy, so the ratio is judged, never a time.
"""

import json
import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

FIXTURES = Path(__file__).parent.parent / "fixtures"
MAX_RATIO = 1.10


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file named by NACHLESE_BENCH_FILE, else the bundled conversation eight times over (about twelve minutes)."""
    given = os.environ.get("NACHLESE_BENCH_FILE")
    if given:
        return Path(given)
    path = tmp_path_factory.mktemp("bench") / "talk.wav"
    source = FIXTURES / "gespraech.opus"
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "7", "-i", source, "-ac", "1", "-ar", "16000", path],
        check=True,
    )
    return path


#: One process does both, one after the other, with the same warm models: A the engines bare, B the whole job.
_BOTH = """
import json, sys, tempfile, time
from pathlib import Path
from config.settings import load
from jobs.diarize import DiarizeOptions
from jobs.transcribe import TranscribeOptions
from worker import logs
from worker.engines import engines
from worker.local import Wish, run
from worker.sound.media import decode
from worker.sound.scratch import scratch

path, settings = Path(sys.argv[1]), load()
logs.configure(settings.log, quiet=True)
crew = engines(settings)
crew.recognizer.load(); crew.diarizer.load(); crew.writer.load()
with scratch(settings) as empty:
    audio, _ = decode(path, limits=settings.media, scratch=empty)
    silent = lambda *_: None
    began = time.monotonic()
    crew.recognizer.recognize(audio, TranscribeOptions(), silent)
    heard = time.monotonic() - began
    began = time.monotonic()
    crew.diarizer.diarize(audio, DiarizeOptions(), silent)
    told = time.monotonic() - began
with tempfile.TemporaryDirectory() as out:
    began = time.monotonic()
    run(path, Wish(Path(out)), settings)
    whole = time.monotonic() - began
print(json.dumps({"audio_s": audio.duration, "transcribe_s": heard, "diarize_s": told, "whole_s": whole}))
"""


def test_the_pipeline_costs_little_more_than_its_engines(talk: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _BOTH, talk], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    bare = found["transcribe_s"] + found["diarize_s"]
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        textwrap.dedent(f"""
        audio            {found["audio_s"]:8.1f} s
        transcribe bare  {found["transcribe_s"]:8.1f} s   RTF {found["transcribe_s"] / found["audio_s"]:.3f}
        diarize bare     {found["diarize_s"]:8.1f} s   RTF {found["diarize_s"] / found["audio_s"]:.3f}
        whole pipeline   {found["whole_s"]:8.1f} s   RTF {found["whole_s"] / found["audio_s"]:.3f}
        ratio whole / sum of the two, bare: {found["whole_s"] / bare:.3f} (at most {MAX_RATIO})
        peak memory of one process: {peak_mb:.0f} MB
        """)
    )
    assert found["whole_s"] <= MAX_RATIO * bare
