"""The head office's store, on SQLite or PostgreSQL: entries, records, rollups, the feed, the fleet."""
