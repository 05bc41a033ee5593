"""The branch's store: one SQLite file, its journal, and what it knows of its synchronisation."""
