"""Settings: `default.toml`, then a file of the user's, then the environment; read once, then frozen."""

import os
import tomllib
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

HERE = Path(__file__).parent


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class StorageSettings(_Section):
    """Where recordings lie."""

    bucket: str
    prefix: str
    endpoint_url: str
    region: str
    addressing: Literal["auto", "path", "virtual"]
    access_key: str
    secret_key: SecretStr
    ca_bundle: str
    sse: Literal["", "AES256", "aws:kms"]
    kms_key_id: str


class BrokerSettings(_Section):
    """Where jobs wait. May burn at any time: it is filled again from the bucket."""

    url: SecretStr
    queue: str = Field(pattern=r"^[a-z][a-z0-9-]*$")


class IntakeSettings(_Section):
    """How the bucket is watched."""

    poll_s: float = Field(gt=0)
    settle_s: float = Field(ge=0)
    full_listing_s: float = Field(gt=0)
    sqs_url: str
    suffixes: tuple[str, ...]
    kbit_per_s: dict[str, Annotated[float, Field(gt=0)]]

    # A dict has none, and engines are kept by the settings that they were made for.
    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    @field_validator("kbit_per_s")
    @classmethod
    def _has_other(cls, value: dict[str, float]) -> dict[str, float]:
        if "other" not in value:
            raise ValueError("kbit_per_s needs `other`, for suffixes that it doesn't list")
        return value


class MediaSettings(_Section):
    """The fence around ffmpeg."""

    max_hours: float = Field(gt=0)
    memory_mb: int = Field(gt=0)
    wall_factor: float = Field(gt=0)
    wall_min_s: float = Field(gt=0)
    scratch: str


class WeightsSettings(_Section):
    """Where model files are kept and looked for."""

    folder: str
    mirrors: tuple[str, ...]


class TranscribeSettings(_Section):
    """The recognizer."""

    model: str
    languages: tuple[str, ...] = Field(min_length=1)
    device: str
    compute_type: str
    threads: int = Field(ge=0)
    beam_size: int = Field(ge=1)
    batch_size: int = Field(ge=1)


class DiarizeSettings(_Section):
    """The diarizer."""

    pipeline: str
    device: str
    threads: int = Field(ge=0)


class ProfilesSettings(_Section):
    """Voices of people who have agreed to be recognised: biometric data."""

    enabled: bool


class EndpointSettings(_Section):
    """A server that speaks OpenAI's `/chat/completions`."""

    #: Up to and without "/chat/completions": "https://llm.example.org/v1".
    url: str
    model: str = Field(min_length=1)
    #: At most one of the two; without either, `recap.api_key` is sent unless the endpoint may read sensitive words.
    api_key: SecretStr = SecretStr("")
    api_key_file: str = ""
    context_tokens: int = Field(8192, ge=4096)
    #: For a million tokens, in any currency; None where unknown.
    price_in: float | None = Field(None, ge=0)
    price_out: float | None = Field(None, ge=0)
    #: Ours, and may read sensitive recordings; so may whatever listens on this machine itself.
    local: bool = False

    @property
    def loopback(self) -> bool:
        """Whether it listens on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def trusted(self) -> bool:
        """Whether it may read sensitive recordings."""
        return self.local or self.loopback

    @model_validator(mode="after")
    def _check(self) -> "EndpointSettings":
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("url must begin with https:// (or http://) and name a host")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("url holds no user, query or fragment; a key belongs into api_key or api_key_file")
        if parts.scheme == "http" and not self.trusted:
            raise ValueError("words leave this machine by https only, unless the endpoint is marked local = true")
        if self.api_key.get_secret_value() and self.api_key_file:
            raise ValueError("either api_key or api_key_file, not both")
        return self


class RecapSettings(_Section):
    """The writer."""

    writer: Literal["extractive", "llm"]
    queue: str = Field(pattern=r"^([a-z][a-z0-9-]*)?$")
    house_style: str
    shape: str
    endpoints: tuple[EndpointSettings, ...]
    api_key: SecretStr
    answer_tokens: int = Field(ge=256, le=32_000)
    answer_s: float = Field(gt=0)
    tries: int = Field(ge=1, le=10)
    patience_hours: float = Field(ge=0)

    @model_validator(mode="after")
    def _check(self) -> "RecapSettings":
        if self.shape not in shapes():
            raise ValueError(f"shape must be one of {', '.join(shapes())}")
        if self.writer == "llm" and not self.endpoints:
            raise ValueError('writer = "llm" needs at least one of endpoints')
        if any(one.context_tokens - self.answer_tokens < 4096 for one in self.endpoints):
            raise ValueError("context_tokens must leave 4096 beside answer_tokens")
        return self


class WorkerSettings(_Section):
    """How jobs run."""

    max_tries: int = Field(ge=1)
    job_hours: float = Field(gt=0)
    drain_s: float = Field(ge=0)
    engine_jobs: int = Field(ge=0)
    engine_memory_mb: int = Field(ge=0)
    prefetch: bool
    spread_minutes: float = Field(gt=0)
    stretch_minutes: float = Field(gt=0)


class MetricsSettings(_Section):
    """What machines read: numbers and health, over HTTP without a password."""

    bind: str
    port: int = Field(ge=0, le=65535)
    price_per_hour: float = Field(ge=0)


#: Names of `jobs.export.FORMATS`; those that later jobs read are written anyway.
ExportFormat = Literal[
    "transcript.txt", "transcript.md", "transcript.html", "transcript.docx", "transcript.rttm", "transcript.stm",
    "transcript.seglst.json", "transcript.vtt", "transcript.srt", "transcript.ttml", "transcript.podcast.json",
    "recap.md", "recap.html", "recap.docx", "chapters.json", "chapters.psc.xml", "chapters.vtt",
    "chapters.youtube.txt", "chapters.mp4chaps.txt", "chapters.ffmetadata",
]  # fmt: skip


class ExportSettings(_Section):
    """Which files are made, and how subtitles are set."""

    formats: tuple[ExportFormat, ...]
    line_length: int = Field(ge=20, le=100)
    lines: int = Field(ge=1, le=3)
    reading_speed: float = Field(gt=0)


class LogSettings(_Section):
    """How the process tells what it does."""

    level: Literal["debug", "info", "warning", "error"]
    format: Literal["auto", "console", "json"]


class Settings(BaseSettings):
    """Everything that can be set. Secrets are masked wherever this is printed."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # it may be a key
        env_prefix="NACHLESE_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    storage: StorageSettings
    broker: BrokerSettings
    intake: IntakeSettings
    media: MediaSettings
    weights: WeightsSettings
    transcribe: TranscribeSettings
    diarize: DiarizeSettings
    profiles: ProfilesSettings
    recap: RecapSettings
    export: ExportSettings
    worker: WorkerSettings
    metrics: MetricsSettings
    log: LogSettings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Later sources fill what earlier ones leave open."""
        files = [path for path in (_user_file(), HERE / "default.toml") if path is not None]
        return (init_settings, env_settings, *(TomlConfigSettingsSource(settings_cls, path) for path in files))

    def but(self, **sections: dict[str, Any]) -> "Settings":
        """The same settings with some values of some sections replaced: `but(storage={"bucket": "b"})`."""
        changed = {name: getattr(self, name).model_copy(update=values) for name, values in sections.items()}
        return self.model_copy(update=changed)


def load(file: str | None = None) -> Settings:
    """Read the settings; `file` stands in for NACHLESE_CONFIG, also for the processes started from here.

    Raises:
        pydantic.ValidationError: a key is unknown or a value isn't allowed.
        FileNotFoundError: the file named isn't there.
        tomllib.TOMLDecodeError: it isn't TOML.
    """
    if file is not None:
        os.environ["NACHLESE_CONFIG"] = file
    return Settings()


@cache
def labels() -> dict[str, str]:
    """The German words that producers and editors read, flattened: "draft.label" → "ENTWURF – …"."""
    with (HERE / "labels.de.toml").open("rb") as file:
        return _flat(tomllib.load(file))


@cache
def doubt_rules() -> dict[str, Any]:
    """What recognizers invent, and what tells languages apart: `config/doubt.toml`."""
    with (HERE / "doubt.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def backchannels() -> dict[str, Any]:
    """What listeners throw in: `config/backchannels.toml`."""
    with (HERE / "backchannels.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def shapes() -> dict[str, Any]:
    """How recaps may be laid out: `config/shapes.toml`."""
    with (HERE / "shapes.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def prompt(name: str) -> str:
    """What a language model is told, `config/prompts/NAME.de.md`."""
    return (HERE / "prompts" / f"{name}.de.md").read_text("utf-8")


def cache_folder() -> Path:
    """Where files that can be fetched again are kept: $XDG_CACHE_HOME/nachlese or ~/.cache/nachlese."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nachlese"


def tame_libraries() -> None:
    """Forbid the engines' libraries to report usage or to look anything up, and to burn cores while they wait.

    Call before importing them. By default OpenMP's threads spin between two pieces of work: with two engines side by
    side, or neighbours on the machine, diarization took eight times the processor time.
    """
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["KMP_BLOCKTIME"] = "0"
    os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _user_file() -> Path | None:
    named = os.environ.get("NACHLESE_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            message = f"NACHLESE_CONFIG names a file that isn't there: {path}"
            raise FileNotFoundError(message)
        return path
    local = Path("nachlese.toml")
    return local if local.is_file() else None
