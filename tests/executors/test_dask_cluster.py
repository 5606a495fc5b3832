"""A Dask cluster gives what the plain loop gives, and outlives its workers; what is wrong is one sentence."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faceid_core.errors import ClusterLost, ClusterUnusable
from faceid_core.executors import dask_cluster
from faceid_core.executors.dask_cluster import DaskCluster
from faceid_core.executors.executor import WorkerLate, WorkerLost
from faceid_core.sample import Album
from faceid_core.settings import Settings
from tests.cli.running import faceid, refused

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0


def square(value: int) -> int:
    """The square; 3 kills its worker, and 5 never comes to an end."""
    if value == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if value == 5:
        time.sleep(PATIENCE_SECONDS)
    return value * value


def slow(value: int) -> int:
    time.sleep(0.1)
    return value


def fail(value: int) -> int:
    raise ValueError("a bug, not a dead worker")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield started
    finally:
        started.kill()
        started.wait()


@contextmanager
def scheduler(port: int) -> Iterator[subprocess.Popen[bytes]]:
    with process("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard") as started:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield started


@pytest.mark.slow
def test_a_cluster_of_our_own_outlives_a_dead_worker_and_one_that_never_ends() -> None:
    results = dict(DaskCluster(workers=2, limit_s=5).run(square, range(12)))
    assert results.pop(3) == WorkerLost()
    assert results.pop(5) == WorkerLate()
    assert results == {value: value * value for value in range(12) if value not in (3, 5)}


@pytest.mark.slow
def test_a_scheduler_that_dies_is_one_sentence_and_one_that_is_back_goes_on() -> None:
    port = free_port()
    cluster = DaskCluster(f"tcp://127.0.0.1:{port}")
    worker = ("worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    done: set[int] = set()
    with scheduler(port) as first, process(*worker), pytest.raises(ClusterLost, match="goes on where it stopped"):
        for value, result in cluster.run(slow, iter(range(1000))):
            assert value == result
            done.add(value)
            if len(done) == 3:
                first.kill()
    with scheduler(port), process(*worker):
        done |= {value for value, _ in cluster.run(slow, (each for each in range(12) if each not in done))}
        with pytest.raises(ValueError, match="a bug"):
            list(cluster.run(fail, [1]))
    assert done >= set(range(12))


@pytest.mark.slow
def test_a_scheduler_of_another_version_or_without_workers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 5.0)
    port = free_port()
    with scheduler(port):
        with pytest.raises(ClusterUnusable, match="has no worker; start"):
            list(DaskCluster(f"tcp://127.0.0.1:{port}").run(slow, [1]))
        monkeypatch.setattr(dask_cluster, "_here", lambda: dask_cluster.versions() | {"faceid": "0.0"})
        with (
            process("worker", f"tcp://127.0.0.1:{port}", "--no-dashboard"),
            pytest.raises(ClusterUnusable, match=r"scheduler has faceid .*this machine 0\.0; install the same"),
        ):
            monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", PATIENCE_SECONDS)
            list(DaskCluster(f"tcp://127.0.0.1:{port}").run(slow, [1]))


@pytest.mark.slow
def test_a_server_that_says_nothing_is_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClusterUnusable, match=f"scheduler at {address} does not answer"):
            list(DaskCluster(address).run(slow, [1]))


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.3)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(ClusterUnusable, match=f"scheduler at {address} does not answer"):
        list(DaskCluster(address).run(slow, [1]))


def test_an_import_without_its_scheduler_makes_no_library(
    album: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.3)
    monkeypatch.setenv("FACEID_EXECUTOR", "dask")
    monkeypatch.setenv("FACEID_DASK_SCHEDULER", f"tcp://127.0.0.1:{free_port()}")
    for command in (["import", album.folder], ["demo", album.folder, "--no-serve"]):
        refused(faceid("--library", tmp_path / "library", *command), "does not answer", "FACEID_DASK_SCHEDULER")
        assert not (tmp_path / "library").exists()


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterUnusable, match="run install cluster"):
        list(DaskCluster(workers=1).run(slow, [1]))


def test_tls_without_keys_is_one_sentence_at_once(tmp_path: Path) -> None:
    import dask
    import distributed  # noqa: F401  (fills the configuration)

    usual = dask.config.get("distributed.comm.tls")
    (tmp_path / "empty.pem").touch()
    for file in (None, "gone.pem", "empty.pem"):
        key = file and str(tmp_path / file)
        tls = usual | {"ca-file": key, "client": {"cert": key, "key": key}}
        with (
            dask.config.set({"distributed.comm.tls": tls}),
            pytest.raises(ClusterUnusable, match=r"needs TLS keys .* DASK_DISTRIBUTED__COMM__TLS__CA_FILE"),
        ):
            list(DaskCluster("tls://127.0.0.1:1").run(slow, [1]))


@pytest.mark.parametrize(
    ("address", "read"), [("", None), ("  ", None), (" tcp://host:8786 ", "tcp://host:8786"), (None, None)]
)
def test_an_empty_address_is_none(address: str | None, read: str | None) -> None:
    assert Settings(dask_scheduler=address).dask_scheduler == read


@pytest.mark.parametrize(
    "address", ["host:8786", "tcp://host", "http://host:1", "tcp://host:99999", "tcp://host:0", "tcp://a b:1"]
)
def test_a_wrong_address_is_refused_before_anything_is_made(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEID_DASK_SCHEDULER", address)
    (tmp_path / "photo.jpg").write_bytes(b"")
    ran = faceid("--library", tmp_path / "library", "import", tmp_path / "photo.jpg")
    refused(ran, "FACEID_DASK_SCHEDULER can't be", "it should be like tcp://host:8786")
    assert not (tmp_path / "library").exists()
