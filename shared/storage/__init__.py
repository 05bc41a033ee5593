"""Tables of the records, alike on SQLite and PostgreSQL, and what both programs do with them."""
