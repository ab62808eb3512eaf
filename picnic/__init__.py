"""Cities with their weather, picnics, and who comes."""
