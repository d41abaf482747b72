"""The fault matrix: what goes wrong around the operator, what a user sees of it, and the proof that nothing is lost."""
