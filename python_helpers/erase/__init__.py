"""Removing a customer from everything that is kept."""
