"""What moved since the last build and in the last month, in words."""
