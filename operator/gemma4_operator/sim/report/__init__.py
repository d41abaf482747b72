"""A page about simulated runs that people can look at: results to HTML, with nothing read and nothing written."""
