"""Payments: how money for orders is asked for, comes in, is checked and goes back. Modules import only those above them.

reading      lookup, accounts
making       begin, creating, messages
coming in    marking (the one door for "paid"), refunds (its way back), disputes, receiving (callbacks)
asking       asking (the provider, by ourselves), confirm (before something is delivered)
Stars, hand  stars, transfers
clockwork    sweep
"""
