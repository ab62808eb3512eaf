"""What this domain needs to know of the weather, who knows it, and how long it is kept."""
