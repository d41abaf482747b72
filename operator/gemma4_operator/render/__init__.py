"""From a plan to Kubernetes objects: decisions become plain data, templates lay it out, the user's patch comes last."""
