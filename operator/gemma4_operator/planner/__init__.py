"""From a spec to one plan: which checkpoint, engine, image and GPUs, and why."""
