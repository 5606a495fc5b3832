"""Whether finding neighbours in parts on a Dask cluster pays: the time here, and on workers that each take a part.

    PYTHONPATH=. python -m tests.bench.neighbours_on_dask [--faces 200000] [--workers 2]

Every worker is sent all vectors, makes the index, looks up its part of the faces, and sends their rows back. One
process with as many threads does the same here. The lists are compared: nothing may differ.
"""

from __future__ import annotations

import argparse
import time
from importlib import import_module
from typing import Any

import numpy as np

from faceid_core.values import Ints, Vectors
from faceid_core.vectors import faiss_kernels, neighbours
from faceid_core.vectors.neighbours import DEFAULT_K, NeighbourGraph
from tests.bench.drawn_library import draw

Part = tuple[Ints, NeighbourGraph, float, float]


def part_of(vectors: Vectors, number: int, parts: int) -> Part:
    """On a worker: rows, their neighbours, and the processor's seconds for the index and for the search."""
    faiss_kernels.faiss().omp_set_num_threads(1)
    started = time.process_time()
    index, order = neighbours._cells(vectors)
    made = time.process_time()
    rows = np.array_split(order, parts)[number]
    graph = neighbours._empty(len(vectors), DEFAULT_K)
    neighbours._fill(graph, vectors, index, rows)
    found = NeighbourGraph(graph.indices[rows], graph.distances[rows])
    return rows, found, made - started, time.process_time() - made


def on_cluster(vectors: Vectors, workers: int) -> NeighbourGraph:
    distributed: Any = import_module("distributed")

    with (
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(_warm_up)
        started = time.perf_counter()
        sent = client.scatter(vectors, broadcast=True)
        there = time.perf_counter()
        futures = [client.submit(part_of, sent, number, workers, pure=False) for number in range(workers)]
        parts: list[Part] = client.gather(futures)
        back = time.perf_counter()
        graph = neighbours._empty(len(vectors), DEFAULT_K)
        for rows, found, _, _ in parts:
            graph.indices[rows], graph.distances[rows] = found.indices, found.distances
    index_s, search_s = sum(part[2] for part in parts), sum(part[3] for part in parts)
    print(f"{workers} workers: {back - started:.1f} s, of which {there - started:.1f} for sending; of processors "
          f"{index_s:.1f} s for {workers} indexes, {search_s:.1f} s for the search")  # fmt: skip
    return graph


def _warm_up() -> Any:
    """Load what a worker that has been there for a while has loaded."""
    faiss_kernels.faiss()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    vectors, _ = draw(options.faces, max(options.faces // 50, 1))
    vectors = np.ascontiguousarray(vectors, np.float32)
    faiss_kernels.faiss().omp_set_num_threads(options.workers)
    started, used = time.perf_counter(), time.process_time()
    here = neighbours.build(vectors, exact_limit=0)
    print(f"here, {options.workers} threads: {time.perf_counter() - started:.1f} s, "
          f"{time.process_time() - used:.1f} s of processors", flush=True)  # fmt: skip
    there = on_cluster(vectors, options.workers)
    same = (there.indices == here.indices).mean()
    print(f"{same:.4%} of the neighbours are the same; {there.indices.nbytes + there.distances.nbytes:,} bytes "
          f"came back for {vectors.nbytes:,} sent to each")  # fmt: skip


if __name__ == "__main__":
    main()
