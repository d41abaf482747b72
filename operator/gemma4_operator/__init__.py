"""gemma4-operator: from what a team wants of Gemma 4 to running inference pods."""
