"""Write the golden files and the published schemas anew: `python tests/golden/regenerate.py`, then read the diff."""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from jobs.export import FORMATS, Export, recap_files, transcript_files
    from jobs.export.document import json_schemas

    sample = runpy.run_path(str(ROOT / "tests" / "conftest.py"))
    transcript, talk, labels = sample["build_transcript"](), sample["build_talk"](), sample["build_labels"]()
    # Word files are compressed: no diff of them can be read. Tests read their contents instead.
    everything = Export(tuple(name for name in FORMATS if not name.endswith(".docx")))
    for artifact in (
        *transcript_files(transcript, talk, labels, everything),
        *recap_files(sample["build_recap"](), transcript, talk, labels, everything),
    ):
        (HERE / artifact.name).write_bytes(artifact.data)
    for name, data in json_schemas().items():
        (ROOT / "config" / "schema" / name).write_bytes(data)
