"""Describes a sandbox as data and as files: community, profiles, certificates."""
