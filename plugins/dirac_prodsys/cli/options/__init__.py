"""Defines options that subcommands share, and what a shell completes."""
