"""Names and exports in other programs' forms: pure readers and writers.

May import the root and media.
"""

__all__ = ["audit_table", "decisions_file", "face_regions", "face_table", "saving"]
