"""The embedded storage, in one SQLite file."""
