"""From what Kubernetes says about a pod to one cause; `cause.find_cause` is the way in, one module per stage."""
