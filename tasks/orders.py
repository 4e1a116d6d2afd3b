"""Orders: what is due, and the workers that fulfil what is paid."""
