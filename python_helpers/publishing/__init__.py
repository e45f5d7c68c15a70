"""Published builds: writing them, switching between them, reading them, and their records."""
