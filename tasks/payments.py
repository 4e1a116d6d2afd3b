"""Payments: links, questions to providers, refunds, the daily comparison, news for the boss."""
