"""`make demo`: the product's main job on a real Kubernetes, from nothing to an answer, and the way back."""
