"""One use case a file, named by its verb: the only place where compute and library meet.

May import every room but cli.
"""

__all__ = [
    "answer",
    "ask",
    "audit",
    "back_up",
    "backups",
    "cluster",
    "daily_backup",
    "describe_boxes",
    "doctor",
    "evaluate",
    "export",
    "file_rights",
    "find_missing",
    "import_names",
    "jobs",
    "manage_models",
    "map_faces",
    "next_question",
    "open_questions",
    "plan_import",
    "recognise",
    "replay_decisions",
    "reply",
    "retention",
    "set_consent",
    "train",
    "watch",
    "work",
    "write_names",
]
