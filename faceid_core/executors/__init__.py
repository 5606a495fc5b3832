"""Where batches run: in this process, or in a pool of processes.

May import the root.
"""

__all__ = ["executor", "in_process", "process_pool"]
