"""The HTTP face. `features.py` is the list of what is served; each module says itself how."""
