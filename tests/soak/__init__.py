"""The operator over time: many resources, random faults, and at the end everything where it belongs."""
