"""pyannote.audio's own `SpeakerDiarization`, with its default step, on the weights that Nachlese comes with."""

import os
import warnings
from typing import Any

import torch

from config.settings import Settings
from worker import weights
from worker.engines import pyannote as engine

# How OpenMP's threads wait is Nachlese's own choice, made with the import above: rivals run as they come.
for _name in ("OMP_WAIT_POLICY", "KMP_BLOCKTIME"):
    os.environ.pop(_name, None)

#: Windows at once, as published pipelines are set (community-1's config.yaml).
_BATCH = 32
#: What served best on these embeddings; the two published sets are made for others.
_CLUSTERING = {"method": "centroid", "min_cluster_size": 12, "threshold": 0.6}


def stock_pipeline(settings: Settings, embedding: str) -> Any:
    """The stock pipeline; `embedding` is a path that pyannote.audio takes for a WeSpeaker model's."""
    engine._import_pyannote()  # torchaudio here has a compiled part that fits another torch
    from pyannote.audio.core.plda import PLDA  # noqa: PLC0415
    from pyannote.audio.pipelines import SpeakerDiarization  # noqa: PLC0415

    class NoPlda(PLDA):
        """Agglomerative clustering needs none, but the constructor asks for one."""

        def __init__(self) -> None:
            pass

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checkpoint was made with an older lightning
        pipeline = SpeakerDiarization(
            segmentation=str(weights.locate("pyannote-segmentation", settings) / "pytorch_model.bin"),
            segmentation_step=0.1, segmentation_batch_size=_BATCH,
            embedding=embedding, embedding_batch_size=_BATCH, embedding_exclude_overlap=True,
            plda=NoPlda(), clustering="AgglomerativeClustering",
        )  # fmt: skip
    pipeline.instantiate({"segmentation": {"min_duration_off": 0.0}, "clustering": _CLUSTERING})
    return pipeline.to(torch.device("cpu"))
