"""Asks and notifies people: approval, questions, parameters, notices."""
