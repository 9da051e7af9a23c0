import subprocess
import sys


def test_the_worker_itself_never_loads_an_engine() -> None:
    """It forks for every job, and a process that has touched CUDA can't be forked."""
    code = "import sys, worker.fleet, worker.laptop; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "worker.tasks" in loaded
    assert not {"torch", "ctranslate2", "faster_whisper", "pyannote", "onnxruntime"} & set(loaded)
