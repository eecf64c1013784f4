"""Defines meta queries and their algebra, and how the catalogue's database treats values."""
