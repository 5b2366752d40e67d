"""From files to archive, and from question to verified answer."""
