"""Facts that plans rest on, as YAML with a source in each row; code types them and adds nothing of its own."""
