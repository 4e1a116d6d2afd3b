"""Yuanfenju's fortune API, as far as charts go: paipan, cesuan and querymerchant."""
