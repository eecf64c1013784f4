"""The verbs, written once in calls of DIRAC's services and run by both backends."""
