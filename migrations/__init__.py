"""The database's history: numbered, linear revisions, one domain each."""
