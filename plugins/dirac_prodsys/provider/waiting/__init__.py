"""Waits without a worker: the poller, blocking calls, and the log of a wait."""
