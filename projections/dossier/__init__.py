"""The dossier: all that is known of a person, and where it came from, for them to read."""
