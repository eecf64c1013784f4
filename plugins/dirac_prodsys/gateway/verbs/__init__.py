"""Implements the verbs once, in calls of DIRAC's services; both backends run them."""
