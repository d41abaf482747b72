"""`make bench`: what the operator asks of the API server and of the machine, counted and timed on a local cluster.

Counts are facts and are asserted by `tests/integration/test_figures.py`. Times belong to one machine at one moment:
they are printed beside a floor measured in the same run, and no test asserts them.
"""
