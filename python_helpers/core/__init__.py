"""What every package builds on: errors, settings, log, locks, progress. Imports none of ours."""
