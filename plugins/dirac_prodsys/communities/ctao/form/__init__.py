"""The files of ``cta-prod-submit``: how they are read, checked and written anew."""
