"""Settings: `default.toml`, then a file of the user's, then the environment; read once, then frozen."""

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

HERE = Path(__file__).parent


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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


class RecapSettings(_Section):
    """The writer."""

    writer: Literal["extractive"]
    queue: str = Field(pattern=r"^([a-z][a-z0-9-]*)?$")


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


class LogSettings(_Section):
    """How the process tells what it does."""

    level: Literal["debug", "info", "warning", "error"]
    format: Literal["auto", "console", "json"]


class Settings(BaseSettings):
    """Everything that can be set. Secrets are masked wherever this is printed."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
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
    recap: RecapSettings
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
