"""Every SQL statement about cities, picnics and registrations."""
