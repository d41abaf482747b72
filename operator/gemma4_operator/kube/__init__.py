"""The only door to the API server: raw objects in and out, errors as values, a Lease and an events recorder."""
