"""Names and exports in other programs' forms: pure readers and writers.

May import the root and media.
"""

__all__ = [
    "audit_table",
    "decisions_file",
    "exiftool",
    "face_regions",
    "face_table",
    "name_packet",
    "name_sources",
    "saving",
    "sidecar_place",
    "xml_spans",
]
