"""Who is whose friend."""
