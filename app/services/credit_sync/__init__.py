"""Sending changes to partners in signed batches, what they refused, and comparing balances with theirs.

A batch is fixed before it is sent: its name and the ids of its postings stand in the partner's row until the partner
has answered for it. So whoever sends it again, after whatever happened, sends the same under the same name.
"""
