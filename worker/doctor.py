"""Is this machine ready? One line a question, with what to do where the answer is no. For ops, so in English."""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from urllib.parse import urlsplit

from config.settings import Settings
from jobs.audio import SAMPLE_RATE
from jobs.errors import NachleseError, StorageError
from worker.ownership import NAMES

#: No single answer is waited for longer.
_PATIENCE_S = 3.0
_OLDEST_PYTHON = (3, 11)
#: Whose options and messages `worker.sound.media` was written for.
_OLDEST_FFMPEG = (4, 4)
#: Decoders that a build of ffmpeg may lack; one of each line is enough.
_DECODERS = (
    ("aac", "libfdk_aac"), ("mp3float", "mp3"), ("mp2float", "mp2"), ("opus", "libopus"), ("vorbis", "libvorbis"),
    ("flac",), ("alac",), ("ac3",), ("eac3",), ("wmav2",), ("pcm_s16le",), ("pcm_s24le",), ("pcm_f32le",),
)  # fmt: skip
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Check:
    """One answer."""

    name: str
    #: None: not set up, or no matter; that is fine.
    ok: bool | None
    #: What was found. Holds no secret.
    detail: str
    #: What to do; empty where nothing is.
    remedy: str = ""


def checks(settings: Settings) -> Iterator[Check]:
    """Ask one thing after the other, the quick ones first.

    Nothing is raised: a check that breaks is a check that fails. No answer is waited for longer than 3 s;
    only weights take as long as reading them takes.
    """
    for name, ask in (
        ("python", _python),
        ("names", _names),
        ("ffmpeg", _ffmpeg),
        ("ffprobe", _ffprobe),
        ("scratch", _scratch),
        ("broker", _broker),
        ("bucket", _bucket),
        ("language model", _language_models),
        ("weights", _weights),
        ("device", _device),
    ):
        yield from _guarded(name, ask, settings)


def _guarded(name: str, ask: Callable[[Settings], Iterator[Check]], settings: Settings) -> Iterator[Check]:
    try:
        yield from ask(settings)
    except NachleseError as error:
        yield Check(name, False, f"{error.code}: {error.detail}", "do as the message says")
    except Exception as error:  # the one boundary of this module; texts of foreign errors may hold secrets
        yield Check(name, False, f"the check failed with {type(error).__name__}", "run it again, then report it")


def _python(_settings: Settings) -> Iterator[Check]:
    found = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= _OLDEST_PYTHON
    yield Check("python", ok, found, "" if ok else "install Python 3.11 or newer and make a new environment with it")


def _names(_settings: Settings) -> Iterator[Check]:
    """PyPI has distributions that install a top-level `config` or `worker`; theirs would be imported for ours."""
    owners = packages_distributions()
    for name in NAMES:
        foreign = sorted({owner for owner in owners.get(name, ()) if owner.lower() != "nachlese"})
        if foreign:
            detail = f"{', '.join(foreign)} installs a package of the same name"
            yield Check(
                f"name {name}", False, detail, f"pip uninstall {' '.join(foreign)}, or give nachlese its own venv"
            )
        else:
            yield Check(f"name {name}", True, "ours alone")


def _ffmpeg(_settings: Settings) -> Iterator[Check]:
    check = _program("ffmpeg")
    yield check
    if not check.ok:
        return
    listed = {line.split()[1] for line in _said("ffmpeg", "-decoders").splitlines() if len(line.split()) > 1}
    missing = [choice[0] for choice in _DECODERS if not listed.intersection(choice)]
    yield Check(
        "ffmpeg decoders",
        not missing,
        f"missing: {', '.join(missing)}" if missing else "all there",
        "install a full build of ffmpeg (Debian: apt install ffmpeg)" if missing else "",
    )


def _ffprobe(_settings: Settings) -> Iterator[Check]:
    yield _program("ffprobe")


def _program(name: str) -> Check:
    remedy = "install ffmpeg 4.4 or newer, with ffprobe, and put it on PATH (Debian: apt install ffmpeg)"
    if shutil.which(name) is None:
        return Check(name, False, "not on PATH", remedy)
    words = _said(name, "-version").split()
    if words[:2] != [name, "version"] or len(words) < 3:
        return Check(name, False, "it doesn't tell its version", remedy)
    number = re.match(r"n?(\d+)\.(\d+)", words[2])
    if number is None:
        return Check(name, True, f"{words[2]}, a development build")
    ok = (int(number[1]), int(number[2])) >= _OLDEST_FFMPEG
    return Check(name, ok, words[2], "" if ok else remedy)


def _said(program: str, question: str) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired, OSError):
        return subprocess.run(
            [program, "-hide_banner", question], capture_output=True, check=False, timeout=_PATIENCE_S, text=True,
            errors="replace", stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip
    return ""


def _scratch(settings: Settings) -> Iterator[Check]:
    folder = Path(settings.media.scratch or tempfile.gettempdir())
    remedy = "make the folder writable, or set media.scratch to one that is"
    try:
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Check("scratch", False, f"{folder}: {error.strerror}", remedy)
        return
    # Decoded sound lies there as stereo and as mono for a while, 4 bytes a sample.
    an_hour = 3600 * SAMPLE_RATE * 4 * 3
    ok = free >= settings.media.max_hours * an_hour
    yield Check(
        "scratch",
        ok,
        f"{free / 1e9:.1f} GB free: room to decode {free / an_hour:.1f} h, beside the upload itself",
        "" if ok else "free some space, set media.scratch to a larger disk, or lower media.max_hours",
    )


def _broker(settings: Settings) -> Iterator[Check]:
    if not settings.storage.bucket:
        yield Check("broker", None, "not needed: no bucket is set")
        return
    from redis import Redis  # noqa: PLC0415  # nobody without a broker waits for this import
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.exceptions import RedisError  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    url = settings.broker.url.get_secret_value()
    remedy = "start it, or correct broker.url (redis://:password@host:6379/0)"
    try:
        broker = Redis.from_url(
            url, socket_connect_timeout=_PATIENCE_S, socket_timeout=_PATIENCE_S, retry=Retry(NoBackoff(), 0)
        )
    except ValueError:
        yield Check("broker", False, "broker.url can't be read", remedy)
        return
    with broker:
        try:
            broker.ping()
        except RedisError as error:
            yield Check("broker", False, f"no answer ({type(error).__name__})", remedy)
            return
        yield Check("broker", True, "answers")
        try:
            kept = broker.config_get("appendonly").get("appendonly")
        except RedisError:
            kept = None
        yield _persistence(kept)
    yield _password(url)


def _persistence(kept: str | None) -> Check:
    if kept == "yes":
        return Check("broker persistence", True, "appendonly is on")
    found = "unknown, CONFIG is forbidden" if kept is None else "appendonly is off"
    # No fault: whatever the broker forgets, intake finds again in the bucket.
    return Check("broker persistence", None, found, "set appendonly yes, so that a restart doesn't empty the queue")


def _password(url: str) -> Check:
    parts = urlsplit(url)
    if parts.password:
        return Check("broker password", True, "set")
    if parts.scheme == "unix" or parts.hostname in _LOOPBACK:
        return Check("broker password", True, "none, and none needed: it is on this machine")
    remedy = "set requirepass on the broker and put the password into broker.url: who can write there can queue jobs"
    return Check("broker password", False, "none, though the broker is on the network", remedy)


def _bucket(settings: Settings) -> Iterator[Check]:
    storage = settings.storage
    if not storage.bucket:
        yield Check("bucket", None, "not set: only `nachlese run` works", "set storage.bucket")
        return
    from worker.bucket.storage import probe, s3_storage  # noqa: PLC0415  # boto3 takes a while to import

    bucket = s3_storage(settings, patience_s=_PATIENCE_S)
    try:
        bucket.clock()
    except StorageError as error:
        yield Check("bucket", False, error.code, error.detail)
        return
    yield Check("bucket", True, "answers")
    try:
        obeys = probe(bucket)
    except StorageError as error:
        remedy = "allow s3:PutObject and s3:DeleteObject, also below .nachlese/"
        yield Check("bucket writing", False, f"a test object can't be written and removed ({error.code})", remedy)
        return
    if obeys:
        yield Check("bucket writing", True, "conditional writes work")
        return
    remedy = "use a store that knows If-None-Match and If-Match (AWS, SeaweedFS 4, MinIO, Ceph 19), or one worker only"
    yield Check("bucket writing", False, "the store ignores conditional writes", remedy)


def _language_models(settings: Settings) -> Iterator[Check]:
    if settings.recap.writer != "llm":
        yield Check("language model", None, "none writes: recaps are extractive")
        return
    from worker.engines.chat import reached  # noqa: PLC0415  # imports an HTTP client

    for each in reached(settings.recap, limit_s=_PATIENCE_S):
        name = f"language model {each.number}"
        if each.why is not None:
            remedy = "start the server, or correct url, model and key of this endpoint under recap.endpoints"
            yield Check(name, False, f"no use: {each.why}", remedy)
        elif each.has_model is False:
            yield Check(name, None, "answers, but names other models", "compare `model` with what the server serves")
        else:
            yield Check(name, True, "answers" if each.has_model is None else "answers, and has the model")


def _weights(settings: Settings) -> Iterator[Check]:
    from worker.weights import status  # noqa: PLC0415  # whoever asks for less needn't have it

    found = status(settings)
    if not found:
        yield Check("weights", None, "the settings name models of your own")
    for each in found:
        remedy = "" if each.ok else f"nachlese weights fetch {each.name}"
        yield Check(f"weights {each.name}", each.ok, each.detail, remedy)


def _device(settings: Settings) -> Iterator[Check]:
    import ctranslate2  # noqa: PLC0415  # takes seconds
    import torch  # noqa: PLC0415  # takes seconds

    from worker.engines.device import ctranslate2_device, torch_device  # noqa: PLC0415

    cards = ctranslate2.get_cuda_device_count()
    recognizer = ctranslate2_device(settings.transcribe.device)[0]
    diarizer = torch_device(settings.diarize.device).type
    detail = f"recognizer on {recognizer}, diarizer on {diarizer}"
    if bool(cards) != torch.cuda.is_available() and "auto" in {settings.transcribe.device, settings.diarize.device}:
        blind = "torch" if cards else "CTranslate2"
        remedy = f"install the GPU build of torch and nachlese[gpu], or set the devices to cpu; {blind} sees no card"
        yield Check("device", False, detail, remedy)
        return
    yield Check("device", True, f"{detail}; {cards} CUDA device(s)")
