"""What is done for a paid order: claimed by one worker, produced step by step, delivered by the outbox.

working      errors, claims, steps
telling      wording, telling
ending       outcome
delivering   kept, parts, delivery
producing    calls, guarding, confirming, bazi, work
by hand      manual
sweeping     sweep
"""
