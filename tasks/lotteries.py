"""Lotteries: opening, closing, drawing, telling the winners, channel posts, repeats."""
