"""What survives: the journal, the queries and the migrations, on SQLite."""
