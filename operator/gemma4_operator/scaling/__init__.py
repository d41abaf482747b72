"""How many replicas hold the objectives at the least cost, from what engines count; pure, the clock is an argument."""
