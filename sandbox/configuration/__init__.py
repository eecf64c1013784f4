"""What a sandbox is made of, as data and as files: community, profiles, certificates."""
