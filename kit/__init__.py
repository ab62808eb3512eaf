"""Tools of the house; no business noun may appear here."""
