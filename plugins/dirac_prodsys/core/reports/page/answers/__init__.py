"""Defines the JSON of the page: one model for each answer, described for people and programs.

Moments are ISO 8601 in UTC. Sizes are bytes, spans are seconds, shares go from 0 to 1. What nobody
knows is null, never 0. Every text may hold anything that a person or a job wrote: it is text, and
never markup.
"""
