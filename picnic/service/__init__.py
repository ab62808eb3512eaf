"""What can be done with cities and picnics."""
