"""One use case a file, named by its verb: the only place where compute and library meet.

May import every room but cli.
"""

__all__ = [
    "answer",
    "ask",
    "back_up",
    "cluster",
    "doctor",
    "evaluate",
    "export",
    "file_rights",
    "import_names",
    "jobs",
    "map_faces",
    "recognise",
    "replay_decisions",
    "train",
    "watch",
    "write_names",
]
