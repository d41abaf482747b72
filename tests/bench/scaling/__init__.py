"""`make scaling-bench`: every scaling rule on the same traffic, what it keeps and what it costs.

Each run is kept under what was played and a digest of the code that played it, so that a second call only plays what
is missing or changed; the page in docs/reference is made of what is kept, and says what has not been played yet.
"""
