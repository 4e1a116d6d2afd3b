"""Draining the inbox: a resident reader leases chat-shards, claims their updates and hands them to threads.

`reader` claims and hands over; `desk` keeps its leases; `crew` runs one thread per busy chat; `fairness` says whose turn it is;
`attempt` runs one handler; `finisher` writes outcomes in batches; `lane` handles again, one at a time, what was held
by a process that died.
"""
