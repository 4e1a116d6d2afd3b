"""Draining the inbox: a resident reader leases chat-shards, claims their updates and hands them to threads.

`reader` leases, claims and hands over; `crew` runs one thread per busy chat; `fairness` says whose turn it is;
`attempt` runs one handler; `finisher` writes outcomes in batches; `lane` handles again, one at a time, what was held
by a process that died.
"""
