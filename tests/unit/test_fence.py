import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from worker.sound.fence import MOUTH_BYTES, Fence, run


@pytest.fixture
def fence(tmp_path):
    return Fence(tmp_path, memory_bytes=1 << 30, file_bytes=1 << 20, cpu_s=20, wall_min_s=20)


def python(code, *arguments):
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123  # a zombie is dead, it only wasn't fetched
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


def gone(pid):
    """Wait for a killed process to vanish; pytest's time limit ends the wait."""
    while alive(pid):
        time.sleep(0.02)
    return True


def test_both_pipes_and_the_status_come_back(fence):
    ended = run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), fence=fence)
    assert (ended.code, ended.out, ended.log) == (3, b"out\n", "err\n")


def test_it_runs_in_its_folder_without_our_environment_or_input(fence, monkeypatch):
    monkeypatch.setenv("NACHLESE_SECRET", "x")
    ended = run(python("import os, sys; print(os.getcwd(), sorted(os.environ), repr(sys.stdin.read()))"), fence=fence)
    folder, rest = ended.out.decode().split(" ", 1)
    assert folder == str(fence.folder.resolve())
    assert "NACHLESE_SECRET" not in rest
    assert "PATH" not in rest
    assert rest.endswith("''\n")


def test_limits_stand(fence):
    code = (
        "import resource as r; print(*(r.getrlimit(getattr(r, f'RLIMIT_{k}'))[0] for k in 'AS FSIZE CPU CORE'.split()))"
    )
    assert run(python(code), fence=fence).out.split() == [b"1073741824", b"1048576", b"20", b"0"]


def test_too_much_memory_is_refused(fence):
    assert "MemoryError" in run(python("bytearray(2 << 30)"), fence=fence).log


def test_a_file_that_grows_too_large_ends_the_program(fence):
    ended = run([shutil.which("dd"), "if=/dev/zero", "of=big", "bs=1M", "count=3"], fence=fence)
    assert ended.code == -signal.SIGXFSZ
    assert (fence.folder / "big").stat().st_size <= 1 << 20


def test_too_much_processor_time_ends_the_program(fence):
    ended = run(python("while True: pass"), fence=replace(fence, cpu_s=1))
    assert ended.code == -signal.SIGXCPU


def test_the_clock_ends_it_and_its_children(fence, tmp_path):
    script = f"sleep 300 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/parent; wait"
    with pytest.raises(TimeoutError):
        run(["/bin/sh", "-c", script], fence=replace(fence, wall_min_s=1.0))
    for name in ("child", "parent"):
        assert gone(int((tmp_path / name).read_text()))


def test_what_is_done_buys_time(fence):
    code = "import sys, time; print(100, flush=True); time.sleep(int(sys.argv[1]))"
    assert run(python(code, "3"), fence=replace(fence, wall_min_s=2, wall_factor=1.0), watch=float).code == 0
    with pytest.raises(TimeoutError):
        run(python(code, "300"), fence=replace(fence, wall_min_s=2, wall_factor=0.0), watch=float)


def test_whatever_is_raised_while_watching_ends_it(fence, tmp_path):
    def stop(line):
        (tmp_path / "pid").write_text(line)
        raise KeyError(line)

    with pytest.raises(KeyError):
        run(python("import os, time; print(os.getpid(), flush=True); time.sleep(300)"), fence=fence, watch=stop)
    assert gone(int((tmp_path / "pid").read_text()))


def test_lines_come_whole_and_in_order(fence):
    seen = []
    run(python("for i in range(20000): print(i)"), fence=fence, watch=lambda line: seen.append(line) or 0.0)
    assert seen == [str(number) for number in range(20000)]


def test_a_talkative_program_fills_no_memory(fence):
    ended = run(python("import sys\nfor _ in range(40): sys.stderr.write('x' * (1 << 17))\nprint('end')"), fence=fence)
    assert ended.out == b"end\n"
    assert len(ended.log) == MOUTH_BYTES


def test_a_descriptor_is_passed_under_its_number(fence, tmp_path):
    (tmp_path / "given").write_text("inherited")
    descriptor = os.open(tmp_path / "given", os.O_RDONLY)
    try:
        code = "import sys; print(open('/dev/fd/' + sys.argv[1]).read())"
        assert run(python(code, str(descriptor)), fence=fence, passing=(descriptor,)).out == b"inherited\n"
    finally:
        os.close(descriptor)


def test_it_works_from_many_threads(fence):
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(run(["/bin/true"], fence=fence).code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 8


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_it_dies_with_us_even_if_we_are_killed(tmp_path):
    code = (
        "import sys; from pathlib import Path; from worker.sound.fence import Fence, run\n"
        "fence = Fence(Path(sys.argv[1]), memory_bytes=1 << 30, file_bytes=1 << 20, cpu_s=20, wall_min_s=300)\n"
        "run(['/bin/sh', '-c', 'echo $$ >&2; echo $$ > pid.new; mv pid.new pid; exec sleep 300'], fence=fence)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) as parent:
        while not (tmp_path / "pid").exists():
            time.sleep(0.02)
        parent.kill()
    assert gone(int((tmp_path / "pid").read_text()))
