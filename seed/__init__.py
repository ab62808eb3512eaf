"""Fill the database with believable data, a little to try things in or much to measure."""
