"""What is kept under the folder: records in SQLite, bytes in files, and the clock that can be turned."""
