"""Options that subcommands share, and what a shell completes."""
