"""Defines what a user asks for, as closed models."""
