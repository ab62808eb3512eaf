"""Pages, styles and scripts of our own."""
