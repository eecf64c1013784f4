"""What a user asks for, as closed models."""
