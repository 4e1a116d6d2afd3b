"""Orders, from the buyer's form to the end of their life. Modules import only those above them.

reading      lookup
changing     moves (the one door for single moves), create, expiry, retry, cancel
asking       forms (half-filled forms of buyers)
leaving      erasing
"""
