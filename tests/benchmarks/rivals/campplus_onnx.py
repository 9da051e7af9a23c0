"""Write the packaged CAM++ network as ONNX, the form in which stock pyannote.audio takes a network it doesn't know.

Started as `campplus_onnx.py FILE`. Tensors are named as in WeSpeaker's models: `feats` (b, t, 80) to `embs` (b, 192).
"""

import sys
from pathlib import Path

import torch

from config.settings import load
from worker import weights
from worker.engines.campplus import MEL_BINS, load_campplus


def main() -> None:
    path = Path(sys.argv[1])
    folder = weights.locate("campplus", load())
    network = load_campplus(folder / "campplus_cn_en_common.pt", torch.device("cpu"))
    part = path.with_suffix(".part")
    torch.onnx.export(
        network, (torch.zeros(1, 300, MEL_BINS),), str(part), input_names=["feats"], output_names=["embs"],
        dynamic_axes={"feats": {0: "b", 1: "t"}, "embs": {0: "b"}}, dynamo=False,
    )  # fmt: skip
    part.rename(path)


if __name__ == "__main__":
    main()
