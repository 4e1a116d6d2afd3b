"""Broadcasts: starting those that are due, and sending."""
