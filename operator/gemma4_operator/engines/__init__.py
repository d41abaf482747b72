"""One module per inference server, behind the protocol of base.py; none of them knows a Kubernetes object."""
