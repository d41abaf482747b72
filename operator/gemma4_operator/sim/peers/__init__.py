"""Rules that other projects scale by, each from its published formula, to be compared with ours under one simulator."""
