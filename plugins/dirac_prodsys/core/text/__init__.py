"""YAML text to data with places and back; characters and wording."""
