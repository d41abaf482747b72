"""Input that nobody would send on purpose: resources, statuses, objects and documents, the same for the same seed."""
