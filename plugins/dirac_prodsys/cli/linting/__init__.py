"""What ``lint`` reads and how findings are printed."""
