"""Meta queries and their algebra, and what the catalogue's database does to values."""
