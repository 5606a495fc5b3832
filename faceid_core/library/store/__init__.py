"""Below the library: the database, its tables and the journal.

May import the root. Imported only by library and migrations, and by steps and cli for `database`.
"""

__all__ = [
    "bulk",
    "compaction",
    "database",
    "integrity",
    "job_tables",
    "journal",
    "lease",
    "model_cohorts",
    "person_counts",
    "records",
    "row_changes",
    "tables",
    "traces",
    "transfer",
    "withholding",
]
