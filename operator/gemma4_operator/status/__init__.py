"""What the operator says: reasons, conditions and causes, computed afresh from what is."""
