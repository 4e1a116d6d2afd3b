"""Figures of a shop for its boss, in his own zone. Money is never added up over currencies.

days         the span that figures are of
today        the first look of the dashboard
revenue      money that came in and went back, and what reports cost, by day
funnel       how far people come with each product
top          products and promoters that bring most
comparing    what providers and we say of a day, in sums
"""
