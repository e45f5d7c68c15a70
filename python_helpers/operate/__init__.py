"""Refreshes that run unattended: retries, timeouts and alerts."""
