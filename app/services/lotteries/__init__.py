"""Lotteries, from the boss's wish to the last prize handed over."""
