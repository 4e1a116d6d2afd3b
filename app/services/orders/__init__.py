"""Orders, from the buyer's form to the end of their life. Modules import only those above them.

reading      lookup, standing (words for the boss), ways (how a product can be paid)
changing     taking_back (credits), withholding (messages), moves (the one door for single moves), create,
             expiry (and cancelling), retry
asking       forms (half-filled forms of buyers)
leaving      erasing
"""
