"""Great Expectations over a build, before anyone reads it."""
