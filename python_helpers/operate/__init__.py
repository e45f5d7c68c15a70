"""Refreshes that run unattended: retries, timeouts and failure alerts."""
