"""Where batches run: in this process, in a pool of processes, or on a Dask cluster.

May import the root.
"""

__all__ = ["dask_cluster", "executor", "in_process", "process_pool"]
