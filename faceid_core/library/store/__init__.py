"""Below the library: the database, its tables and the journal.

May import the root. Only library, migrations, and steps and cli for `database`, import it.
"""

__all__ = [
    "bulk",
    "compaction",
    "database",
    "engines",
    "integrity",
    "job_tables",
    "journal",
    "lease",
    "model_cohorts",
    "person_counts",
    "purging",
    "records",
    "row_changes",
    "tables",
    "traces",
    "transfer",
    "withholding",
]
