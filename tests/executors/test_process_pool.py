"""Where batches run: the pool gives what the plain loop gives, and outlives its workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from faceid_core.executors.executor import WorkerLate, WorkerLost
from faceid_core.executors.in_process import InProcess
from faceid_core.executors.process_pool import ProcessPool

pytestmark = pytest.mark.slow


def double(value: int) -> int:
    return 2 * value


def die_on_thirteen(value: int) -> int:
    if value == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def die_once(marker: Path) -> str:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def fail(value: int) -> int:
    raise ValueError("a bug, not a dead worker")


def test_the_pool_gives_what_the_loop_gives() -> None:
    items = range(20)
    assert dict(ProcessPool(2).run(double, items)) == dict(InProcess().run(double, items))


def note_the_process(folder: Path) -> None:
    (folder / str(os.getpid())).touch()


def note_and_fail(folder: Path) -> None:
    note_the_process(folder)
    raise ValueError("no networks here")


def process_id(_: int) -> int:
    return os.getpid()


def touch(path: Path) -> None:
    path.touch()


def test_a_worker_goes_on_while_what_it_found_is_stored(tmp_path: Path) -> None:
    paths = [tmp_path / str(each) for each in range(6)]
    results = ProcessPool(1).run(touch, iter(paths))
    next(results)  # we are busy with it
    deadline = time.monotonic() + 30
    while not all(path.exists() for path in paths[:3]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert all(path.exists() for path in paths[:3])
    assert len(list(results)) == 5


@pytest.mark.parametrize("prepare", [note_the_process, note_and_fail])
def test_processes_that_were_begun_before_the_work_do_it(tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    pool = ProcessPool(1)
    pool.begin(partial(prepare, tmp_path))
    until(lambda: bool(list(tmp_path.iterdir())))
    done = dict(pool.run(process_id, range(3)))
    assert {path.name for path in tmp_path.iterdir()} == set(map(str, done.values()))
    assert dict(pool.run(double, [1])) == {1: 2}, "the pool can be used again"


def test_processes_that_were_begun_for_nothing_are_ended(tmp_path: Path) -> None:
    pool = ProcessPool(2)
    pool.begin(partial(note_the_process, tmp_path))
    until(lambda: len(list(tmp_path.iterdir())) == 2)
    pool.close()
    assert not any(Path("/proc", path.name).exists() for path in tmp_path.iterdir())


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_photo_that_kills_its_worker_twice_is_given_up_and_the_others_go_on() -> None:
    results = dict(ProcessPool(2).run(die_on_thirteen, range(20)))
    assert isinstance(results.pop(13), WorkerLost)
    assert results == {value: value for value in range(20) if value != 13}


def test_a_photo_that_kills_its_worker_once_is_tried_again(tmp_path: Path) -> None:
    assert dict(ProcessPool(2).run(die_once, [tmp_path / "marker"])) == {tmp_path / "marker": "done"}


def test_an_unexpected_error_comes_through() -> None:
    with pytest.raises(ValueError, match="a bug"):
        list(ProcessPool(1).run(fail, [1]))


def test_a_pool_needs_a_worker() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ProcessPool(0)


class Untravelled(Exception):
    """An exception that pickle can't rebuild: it needs two arguments and tells pickle of one."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one)
        self.other = other


def fail_oddly(value: int) -> int:
    raise Untravelled("can't be rebuilt", "elsewhere")


def hang_on_five(value: int) -> int:
    if value == 5:
        time.sleep(120)
    return value


def test_an_exception_that_can_not_travel_is_told_in_words() -> None:
    with pytest.raises(RuntimeError, match="Untravelled: can't be rebuilt"):
        list(ProcessPool(1).run(fail_oddly, [1]))


def test_an_item_that_takes_too_long_is_given_up_and_the_others_go_on() -> None:
    begun = time.monotonic()
    results = dict(ProcessPool(2, limit_s=0.5).run(hang_on_five, range(12)))
    assert isinstance(results.pop(5), WorkerLate)
    assert results == {value: value for value in range(12) if value != 5}
    assert time.monotonic() - begun < 20


def test_the_time_to_start_does_not_count() -> None:
    assert dict(ProcessPool(2, limit_s=0.05).run(double, range(4))) == {0: 0, 1: 2, 2: 4, 3: 6}


def test_a_script_without_a_main_guard_is_told_what_to_do(tmp_path: Path) -> None:
    """Each worker runs the script again; it must not look as if the photos were at fault."""
    script = tmp_path / "script.py"
    script.write_text(
        "from faceid_core.executors.process_pool import ProcessPool\n"
        "from tests.executors.test_process_pool import double\n"
        "print(dict(ProcessPool(2).run(double, range(4))))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.strip().rpartition("\n")[2]
    assert last.startswith(
        "faceid_core.errors.WorkersUnusable: The processes of the import can't start; in a script"
    )


def sleep_long(marker: Path) -> None:
    marker.with_suffix(f".{os.getpid()}").touch()
    time.sleep(120)


def started(folder: Path, workers: int) -> list[int]:
    """The process ids of the workers, once all of them are at work."""
    deadline = time.monotonic() + 30
    while len(found := [int(file.suffix[1:]) for file in folder.iterdir()]) < workers:
        assert time.monotonic() < deadline, "the workers did not start"
        time.sleep(0.02)
    return found


def ended(pid: int) -> bool:
    """No such process, or one that only waits for its parent to notice its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def all_end(pids: list[int]) -> bool:
    deadline = time.monotonic() + 10
    while not all(map(ended, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return all(map(ended, pids))


def break_off_when_all_work(folder: Path) -> Iterator[Path]:
    """Two items for two workers; the third is asked for while both are busy, and never comes."""
    yield folder / "a"
    yield folder / "b"
    started(folder, 2)
    raise KeyboardInterrupt


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")


@linux
def test_breaking_off_ends_the_workers_at_once_in_the_middle_of_an_item(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        list(ProcessPool(2).run(sleep_long, break_off_when_all_work(tmp_path)))
    assert all_end(started(tmp_path, 2))


@linux
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """Without that they would wait for work, with half a gigabyte each, until the machine is switched off."""
    code = (
        "import sys; from pathlib import Path; from faceid_core.executors.process_pool import ProcessPool\n"
        "from tests.executors.test_process_pool import sleep_long\n"
        "list(ProcessPool(2).run(sleep_long, [Path(sys.argv[1], name) for name in 'ab']))"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=Path(__file__).parents[2]) as parent:
        workers = started(tmp_path, 2)
        parent.kill()
    assert all_end(workers)
