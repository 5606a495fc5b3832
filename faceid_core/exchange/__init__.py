"""Pure readers and writers for names and exports in the formats of other programs.

May import the root and media.
"""

__all__ = [
    "albums",
    "audit_table",
    "decisions_file",
    "embedding_table",
    "evaluation_page",
    "exiftool",
    "export_content",
    "export_formats",
    "face_regions",
    "face_table",
    "name_packet",
    "name_sources",
    "photo_servers",
    "recognition_table",
    "saving",
    "sidecar_place",
]
